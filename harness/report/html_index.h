// Makes the index of the HTML report: what its first page shows of the run and of all tests, by
// columns, with each text once.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "harness/report/fields.h"
#include "harness/report/html_blocks.h"
#include "harness/report/html_sources.h"
#include "harness/report/merged_runs.h"

namespace harness::report {

class HtmlIndex {
 public:
  // Where a test stands among several runs.
  struct Place {
    std::string column = {};
    // The run of the attempt that decides.
    size_t run = 0;
  };

  // The next test, whose page lies in `detail`. Times count from the begin of its run.
  void add(const run::TestResult& test, const Place& place, const Extent& detail);

  // Returns `strings` and `columns`.
  Json toJson();

 private:
  size_t textOf(const std::string& text);
  void put(const char* column, Json value) { columns_[column].push_back(std::move(value)); }

  Json strings_ = Json::array();
  std::unordered_map<std::string, size_t> places_;
  Json columns_ = Json::object();
};

// Returns what holds for the runs as a whole: what is missing, failures outside of tests, and the
// facts of each run in `runs` and of its columns.
Json htmlRunFacts(const MergedRuns& merged, HtmlSources& sources);

}  // namespace harness::report
