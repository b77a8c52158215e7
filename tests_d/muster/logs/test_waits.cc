// Waits for lines in logs, on real nodes.
#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using namespace logs_tests;
using testing::AllOf;
using testing::HasSubstr;

class LogWaitTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  LogWaitTest() { servers().run({"sh", "-c", ": > " + log_}).checked(); }
  ~LogWaitTest() override { (void)servers().run({"rm", "-f", log_}); }

  std::string log_ =
      std::string("/tmp/wait-") + testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(LogWaitTest, LineThatCameBeforeTheWaitIsFound) {
  Log log(servers()[0], log_);
  LogMark mark = log.mark();
  append(servers()[0], log_, "port 7400 is open");
  LogLine line = log.waitFor("port [0-9]+ is open", mark, 10s);
  EXPECT_EQ(line.text, "port 7400 is open");
  EXPECT_EQ(line.number, 1u);
}

TEST_F(LogWaitTest, WaitOnAllNodesIsForEach) {
  LogSet logs(servers(), log_);
  std::vector<LogMark> marks = logs.mark();
  append(servers()[0], log_, "joined");
  NodeAnswers<LogLine> answers = logs.waitFor("joined", marks, 500ms);
  EXPECT_EQ(answers["server1"].text, "joined");
  EXPECT_THAT([&] { answers["server2"]; }, FailsWith(NodeError::Kind::kTimeout));
}

TEST_F(LogWaitTest, WaitInVainShowsWhatCameInstead) {
  Log log(servers()[0], log_);
  LogMark mark = log.mark();
  append(servers()[0], log_, "bind: address in use");
  EXPECT_THAT([&] { log.waitFor("listening", mark, 300ms); },
              FailsWith(NodeError::Kind::kTimeout,
                        AllOf(HasSubstr("1 other lines came"), HasSubstr("address in use"))));
}

// The pattern does not match the shell itself.
TEST_F(LogWaitTest, WaitSurvivesAKilledFront) {
  Log log(servers()[0], log_);
  LogMark mark = log.mark();
  Process killer = servers()[0].start(
      {"sh", "-c",
       "sleep 0.3; pkill -KILL -f -- --role=[f]ront; sleep 0.3; echo ready >> " + log_});
  EXPECT_EQ(log.waitFor("ready", mark, 30s).text, "ready");
}

}  // namespace
