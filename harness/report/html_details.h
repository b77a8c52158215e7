// Makes the pages of tests for the HTML report: what an attempt's records say, in their order, and
// what belongs to no test. What a test has become is said by the result, and not here.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/report/html_items.h"
#include "harness/run/results.h"

namespace harness::report {

class HtmlDetails {
 public:
  HtmlDetails(HtmlContext& context, const run::RunResult& result);

  // Returns the object of a test, by its place in the result, and adds what the timeline shows.
  Json test(int place);

  // Returns the items of a file that belong to no test.
  Json outside(int file);

 private:
  // The place of an item.
  struct Record {
    int file = 0;
    int item = 0;
  };

  using AttemptKey = std::tuple<std::string, int64_t, int64_t>;

  void index(int file);
  void indexTest(const Record& record);
  Json attempt(int place, const run::Attempt& attempt, const std::string& id);
  void takeRecord(int place, const Record& record, Json& object);
  Json itemsBelow(int place, const Record& record);

  HtmlContext& context_;
  const run::RunResult& result_;

  // The items that belong to each one, of each file.
  std::vector<std::vector<std::vector<int>>> children_;

  // What exonerates tests, by their ids.
  std::map<std::string, Json> exonerations_;

  // The records of each attempt: those of its program, and of the runner.
  std::map<AttemptKey, std::vector<Record>> attempts_;
};

}  // namespace harness::report
