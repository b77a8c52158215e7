#include "harness/report/log_patterns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/sample_runs_testing.h"

namespace harness::report {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LogPatternsTest : public ReportTest {
 protected:
  using Lines = std::vector<std::string>;

  // A test whose log has these lines in the record.
  static void addTest(SampleRun& run, const std::string& name, const std::string& outcome,
                      const Lines& lines, int attempt = 1) {
    std::string test = run.begin(name, run::Json::object(), attempt);
    std::string step = run.program().begin("step", test, {{"text", "look"}});
    std::string log =
        run.program().begin("log", step, {{"node", "server1"}, {"source", "kvd.log"}});
    for (const std::string& line : lines) run.program().add(log, "line", {{"text", line}});
    run.program().end(log);
    run.program().end(step);
    run.program().end(test, {{"outcome", outcome}});
  }

  LogPatterns patternsOf(const std::string& id, const std::string& test, Attempts which) const {
    run::RunRecord record = runs_.read(id);
    run::RunResult result = run::resultOf(record);
    for (const run::TestResult& each : result.tests) {
      if (each.name == test) return logPatternsOf(record, each, which);
    }
    return {};
  }

  static Lines linesOf(const NewLines& found) {
    Lines lines;
    for (const LogPattern& line : found.lines) lines.push_back(line.line);
    return lines;
  }
};

TEST_F(LogPatternsTest, NewIsWhatTheGreenTestDidNotSay) {
  SampleRun good(runs_, "good");
  addTest(good, "Heals", "passed", {"term 7: up", "term 7: 3 keys"});
  addTest(good, "Joins", "passed", {"lost the leader"});
  good.close();
  SampleRun bad(runs_, "bad");
  addTest(bad, "Heals", "failed",
          {"term 9: up", "lost the leader", "term 9: 12 keys", "gave up after 4 s",
           "gave up after 5 s"});
  bad.close();
  NewLines found = newLinesOf(patternsOf("bad", "Heals", Attempts::kNotGreen),
                              patternsOf("good", "Heals", Attempts::kGreen));
  EXPECT_THAT(linesOf(found), ElementsAre("lost the leader", "gave up after 4 s"));
  EXPECT_EQ(found.lines[1].count, 2u);
  EXPECT_EQ(found.lines[1].node, "server1");
}

TEST_F(LogPatternsTest, AttemptsOfTheOtherKindDoNotCount) {
  SampleRun flaky(runs_, "flaky");
  addTest(flaky, "Heals", "failed", {"lost the leader"}, 1);
  addTest(flaky, "Heals", "passed", {"up"}, 2);
  flaky.close();
  EXPECT_EQ(patternsOf("flaky", "Heals", Attempts::kGreen).patterns.count("up"), 1u);
  EXPECT_EQ(patternsOf("flaky", "Heals", Attempts::kGreen).patterns.size(), 1u);
  EXPECT_EQ(patternsOf("flaky", "Heals", Attempts::kNotGreen).patterns.count("lost the leader"),
            1u);
}

TEST_F(LogPatternsTest, LinesThatAGreenTestHasKeptAreRead) {
  SampleRun good(runs_, "good");
  std::string test = good.begin("Heals");
  std::string kept = good.program().begin("artifact", test,
                                          {{"path", "log-lines/KvTest.Heals/server1/kvd.log"},
                                           {"type", "log lines"},
                                           {"node", "server1"}});
  good.program().end(kept);
  good.program().end(test, {{"outcome", "passed"}});
  good.close();
  runs_.addFile("good", "log-lines/KvTest.Heals/server1/kvd.log", "term 7: up\n");
  SampleRun bad(runs_, "bad");
  addTest(bad, "Heals", "failed", {"term 9: up"});
  bad.close();
  LogPatterns green = patternsOf("good", "Heals", Attempts::kGreen);
  EXPECT_EQ(green.lines, 1u);
  EXPECT_THAT(linesOf(newLinesOf(patternsOf("bad", "Heals", Attempts::kNotGreen), green)),
              IsEmpty());
}

}  // namespace
}  // namespace harness::report
