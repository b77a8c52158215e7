// Makes the index of the HTML report: what its first page shows of the run and of all tests, by
// columns, with each text once.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "harness/report/fields.h"
#include "harness/report/html_blocks.h"
#include "harness/report/html_sources.h"
#include "harness/run/results.h"
#include "harness/run/run_record.h"

namespace harness::report {

class HtmlIndex {
 public:
  // The next test of the result, whose page lies in `detail`.
  void add(const run::TestResult& test, const Extent& detail);

  // Returns `strings` and `columns`.
  Json toJson();

 private:
  size_t textOf(const std::string& text);
  void put(const char* column, Json value) { columns_[column].push_back(std::move(value)); }

  Json strings_ = Json::array();
  std::unordered_map<std::string, size_t> places_;
  Json columns_ = Json::object();
};

// Returns what holds for the run as a whole.
Json htmlRunFacts(const run::RunRecord& run, const run::RunResult& result, HtmlSources& sources);

}  // namespace harness::report
