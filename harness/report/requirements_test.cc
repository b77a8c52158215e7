#include "harness/report/requirements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/sample_runs_testing.h"

namespace harness::report {
namespace {

using testing::HasSubstr;

class RequirementsTest : public ReportTest {
 protected:
  // A run on a topology in which the tests have these outcomes.
  void addRun(const std::string& id, const std::string& first, const std::string& second) {
    SampleRun run(runs_, id);
    run.addProperty("topology", id);
    run.add("First", first);
    std::string test = run.begin("Second", {{"requirements", {"REQ-1", "REQ-2"}}});
    run.program().end(test, {{"outcome", second}});
    test = run.begin("Third", {{"requirements", run::Json::array()}});
    run.program().end(test, {{"outcome", "passed"}});
    run.close();
  }
};

TEST_F(RequirementsTest, CsvHasARowForEachTestOfARequirement) {
  addRun("three", "passed", "failed");
  EXPECT_EQ(write("requirements-csv", runs_.merged({"three"})),
            "requirement,test,column,outcome,green\r\n"
            ",kvd/KvTest.Third,three,passed,yes\r\n"
            "REQ-1,kvd/KvTest.First,three,passed,yes\r\n"
            "REQ-1,kvd/KvTest.Second,three,failed,no\r\n"
            "REQ-2,kvd/KvTest.Second,three,failed,no\r\n");
}

TEST_F(RequirementsTest, MarkdownHasAColumnForEachTopology) {
  addRun("three", "passed", "failed");
  addRun("five", "skipped", "passed");
  std::string text = write("requirements-markdown", runs_.merged({"three", "five"}));
  EXPECT_THAT(text, HasSubstr("| requirement | test | `three` | `five` |\n"));
  EXPECT_THAT(text, HasSubstr("| **`REQ-1`** | 2 | **failed** | **passed** |\n"
                              "| | `kvd/KvTest.First` | passed | skipped |\n"));
  EXPECT_THAT(text, HasSubstr("Tests that name no requirement: 1\n\n* `kvd/KvTest.Third`\n"));
}

}  // namespace
}  // namespace harness::report
