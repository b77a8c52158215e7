// Makes the pages of tests for the HTML report: what the records of one run say of an attempt, in
// their order, and what belongs to no test. What a test has become is said by the result, and not
// here.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/report/html_items.h"
#include "harness/report/json_text.h"
#include "harness/run/results.h"

namespace harness::report {

class HtmlDetails {
 public:
  explicit HtmlDetails(HtmlContext& context);

  // Returns the JSON text of an attempt of the test with this id, and adds what the timeline shows.
  // `place` is that of the test in the report, and times count from the run's begin.
  std::string attempt(int place, const run::Attempt& attempt, const std::string& id);

  // Returns what exonerates a test: a list, or null.
  Json exonerationsOf(const std::string& id) const;

  // Returns the JSON text of the items of a file that belong to no test.
  std::string outside(int file);

 private:
  // The place of an item.
  struct Record {
    int file = 0;
    int item = 0;
  };

  using AttemptKey = std::tuple<std::string, int64_t, int64_t>;

  void index(int file);
  void indexTest(const Record& record);
  void addSlice(int place, const run::Attempt& attempt, const std::string& id);
  void takeRecord(const Record& record, Json& object);
  JsonList itemsBelow(int place, const Record& record);

  HtmlContext& context_;

  // The items that belong to each one, of each file.
  std::vector<std::vector<std::vector<int>>> children_;

  // What exonerates tests, by their ids.
  std::map<std::string, Json> exonerations_;

  // The records of each attempt: those of its program, and of the runner.
  std::map<AttemptKey, std::vector<Record>> attempts_;
};

}  // namespace harness::report
