#include "harness/rpc/sync/board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SyncBoardTest : public testing::Test {
 protected:
  // Keeps the answers to a waiter, as "done", "event N" or the text of a failure.
  SyncBoard::Reply replyTo(const std::string& who) {
    return [this, who](const SyncAnswer& answer) {
      std::string text = answer.text;
      if (answer.kind == SyncAnswer::Kind::kDone) text = "done";
      if (answer.kind == SyncAnswer::Kind::kEvent) {
        text = "event " + std::to_string(answer.event.order);
      }
      answers_.push_back(who + ": " + text);
    };
  }

  void wait(const std::string& node, const std::string& name, uint64_t command = 1) {
    ++waiters_;
    board_.wait({node, waiters_}, {node, command}, "kvd", name,
                replyTo(node + "#" + std::to_string(waiters_)));
  }
  void arrive(const std::string& node, uint32_t count, uint64_t command = 1) {
    ++waiters_;
    board_.arrive({node, waiters_}, {node, command}, "kvd " + node, "start", count, replyTo(node));
  }
  void notify(const std::string& name) { board_.notify({"n1", 9}, "kvd", name, {{"k", "v"}}); }

  std::vector<std::string> takeAnswers() { return std::exchange(answers_, {}); }

  SyncBoard board_;
  std::vector<std::string> answers_;
  uint64_t waiters_ = 0;
};

TEST_F(SyncBoardTest, EventReleasesAllThatWaitForItsName) {
  wait("n1", "go");
  wait("n2", "go");
  wait("n3", "stop");
  notify("go");
  EXPECT_THAT(takeAnswers(), ElementsAre("n1#1: event 1", "n2#2: event 1"));
}

TEST_F(SyncBoardTest, EachConsumerGetsEachEventOnceAndInOrder) {
  notify("go");
  notify("go");
  wait("n1", "go");
  wait("n1", "go");
  wait("n1", "go");
  wait("n1", "go", 2);
  EXPECT_THAT(takeAnswers(), ElementsAre("n1#1: event 1", "n1#2: event 2", "n1#4: event 1"));
  notify("go");
  EXPECT_THAT(takeAnswers(), ElementsAre("n1#3: event 3"));
}

TEST_F(SyncBoardTest, OneEventReleasesOneWaitOfACommand) {
  wait("n1", "go");
  wait("n1", "go");
  notify("go");
  EXPECT_THAT(takeAnswers(), ElementsAre("n1#1: event 1"));
  notify("go");
  EXPECT_THAT(takeAnswers(), ElementsAre("n1#2: event 2"));
}

// The command stopped waiting before the answer came.
TEST_F(SyncBoardTest, EventThatDidNotArriveIsTheNextOneAgain) {
  wait("n1", "go");
  notify("go");
  board_.withdraw({"n1", 1}, SyncBoard::Leaving::kWaitOver);
  wait("n1", "go");
  EXPECT_THAT(takeAnswers(), ElementsAre("n1#1: event 1", "n1#2: event 1"));
}

TEST_F(SyncBoardTest, WithdrawnWaiterGetsNothing) {
  wait("n1", "go");
  board_.withdraw({"n1", 1}, SyncBoard::Leaving::kProcessEnded);
  notify("go");
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(SyncBoardTest, EndOfATestForgetsItsEventsAndKeepsThoseOfTheSuite) {
  notify("of-suite");
  board_.beginTest();
  notify("of-test");
  board_.endTest();
  wait("n1", "of-test");
  wait("n1", "of-suite");
  EXPECT_THAT(takeAnswers(), ElementsAre("n1#2: event 1"));
  board_.clear();
  wait("n2", "of-suite");
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(SyncBoardTest, EventBeyondTheLimitIsSaid) {
  SyncBoard small(SyncBoard::Limits{.events = 1, .eventBytes = 1 << 20, .reports = 1});
  small.notify({"n1", 1}, "kvd", "a", {});
  EXPECT_EQ(small.takeOverflow(), "");
  small.notify({"n1", 1}, "kvd", "b", {});
  EXPECT_THAT(small.takeOverflow(), HasSubstr("event \"b\" of node n1: \"kvd\" was lost"));
  small.report({});
  small.report({});
  EXPECT_THAT(small.takeOverflow(), HasSubstr("a report of"));
  EXPECT_EQ(small.takeReports().size(), 1u);
}

TEST_F(SyncBoardTest, BarrierIsCompleteWhenAllHaveCome) {
  arrive("n1", 3);
  arrive("n2", 0);
  EXPECT_THAT(answers_, IsEmpty());
  arrive("n3", 3);
  EXPECT_THAT(takeAnswers(), testing::UnorderedElementsAre("n1: done", "n2: done", "n3: done"));
  arrive("n1", 2);
  arrive("n2", 2);
  EXPECT_EQ(takeAnswers().size(), 2u);
}

TEST_F(SyncBoardTest, CountsThatDifferAreRefused) {
  arrive("n1", 3);
  arrive("n2", 2);
  EXPECT_THAT(takeAnswers(),
              ElementsAre(AllOf(HasSubstr("n2: barrier \"start\": it is for 3 commands"),
                                HasSubstr("wants 2; give all the same number"))));
}

TEST_F(SyncBoardTest, DeadParticipantBreaksTheBarrierForAllAndForLaterOnes) {
  arrive("n1", 3);
  arrive("n2", 3);
  board_.end({"n2", 1}, {"was killed by SIGKILL", "all\nlast line\n", ""});
  auto reason = AllOf(HasSubstr("node n2: \"kvd n2\" was killed by SIGKILL while it waited there"),
                      HasSubstr("last line of standard output: \"last line\""));
  EXPECT_THAT(takeAnswers(),
              ElementsAre(AllOf(HasSubstr("n2: "), reason),
                          AllOf(HasSubstr("n1: "), reason, HasSubstr("1 of 3 came"))));
  arrive("n3", 3);
  EXPECT_THAT(takeAnswers(), ElementsAre(AllOf(HasSubstr("n3: "), reason)));
  board_.endTest();
  arrive("n3", 1);
  EXPECT_THAT(takeAnswers(), ElementsAre("n3: done"));
}

TEST_F(SyncBoardTest, EndOfACommandElsewhereBreaksNothing) {
  arrive("n1", 2);
  board_.end({"n1", 2}, {"exited with status 0", "", ""});
  arrive("n2", 2);
  EXPECT_THAT(answers_, Not(IsEmpty()));
  EXPECT_EQ(answers_.back().substr(4), "done");
}

TEST_F(SyncBoardTest, WaitThatTookTooLongLeavesTheBarrierWhole) {
  arrive("n1", 2);
  board_.withdraw({"n1", 1}, SyncBoard::Leaving::kWaitOver);
  arrive("n1", 2);
  arrive("n2", 2);
  EXPECT_EQ(takeAnswers().size(), 2u);
}

TEST_F(SyncBoardTest, EndOfTheProcessThatWaitsBreaksTheBarrier) {
  arrive("n1", 2);
  board_.withdraw({"n1", 1}, SyncBoard::Leaving::kProcessEnded);
  arrive("n2", 2);
  EXPECT_THAT(answers_, ElementsAre(HasSubstr("the process that waited there has ended")));
}

TEST_F(SyncBoardTest, BarrierOfTheTestWaitsForTheTest) {
  EXPECT_EQ(board_.declare("start", 2, {}), "");
  EXPECT_THAT(board_.declare("start", 2, {}), HasSubstr("already"));
  arrive("n1", 0);
  arrive("n2", 2);
  EXPECT_THAT(answers_, IsEmpty());
  board_.arriveTest("start", replyTo("test"));
  EXPECT_THAT(takeAnswers(), testing::UnorderedElementsAre("n1: done", "n2: done", "test: done"));
}

TEST_F(SyncBoardTest, BarrierOfNodesTakesOneCommandOfEach) {
  board_.declare("start", 2, {.nodes = {"n1", "n2"}});
  arrive("n1", 0);
  arrive("n1", 0, 2);
  board_.arriveTest("start", replyTo("test"));
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_THAT(board_.describe("start"), HasSubstr("missing: a command of node n2"));
  arrive("n3", 0);
  EXPECT_THAT(takeAnswers(), ElementsAre(HasSubstr("for commands of the nodes n1, n2")));
  arrive("n2", 0);
  EXPECT_EQ(takeAnswers().size(), 3u);
}

TEST_F(SyncBoardTest, MemberThatEndsBeforeItComesBreaksTheBarrier) {
  board_.declare("start", 2, {.commands = {{{"n1", 1}, "one"}, {{"n2", 1}, "two"}}});
  board_.arriveTest("start", replyTo("test"));
  arrive("n1", 0);
  board_.end({"n2", 1}, {"exited with status 3", "", "no disk"});
  auto reason = AllOf(HasSubstr("node n2: \"two\" exited with status 3 before it came"),
                      HasSubstr("last line of standard error: \"no disk\""));
  EXPECT_THAT(takeAnswers(), ElementsAre(reason, reason));
  board_.arriveTest("start", replyTo("test"));
  EXPECT_THAT(takeAnswers(), ElementsAre(reason));
}

TEST_F(SyncBoardTest, CommandsOfALostNodeBreakTheirBarriers) {
  arrive("n1", 2);
  wait("n1", "go");
  board_.lose("n1", "lost: the agent was restarted");
  notify("go");
  EXPECT_THAT(takeAnswers(), ElementsAre(HasSubstr("was lost: the agent was restarted")));
  arrive("n2", 2);
  EXPECT_THAT(takeAnswers(), ElementsAre(HasSubstr("was lost")));
}

TEST_F(SyncBoardTest, EndOfTheDeclarationEndsThoseThatWait) {
  board_.declare("start", 2, {});
  arrive("n1", 0);
  board_.undeclare("start", "the test has ended it");
  EXPECT_THAT(takeAnswers(), ElementsAre("n1: barrier \"start\": the test has ended it"));
  board_.arriveTest("start", replyTo("test"));
  EXPECT_THAT(takeAnswers(), ElementsAre(HasSubstr("was ended")));
}

TEST_F(SyncBoardTest, SaysWhatCameAndWhoWaits) {
  notify("a");
  notify("a");
  wait("n2", "b");
  arrive("n3", 2);
  EXPECT_EQ(board_.describeEvents(),
            "events that have come: \"a\" (2); waiting: node n2: \"kvd\" for \"b\", "
            "node n3: \"kvd n3\" at barrier \"start\"");
}

}  // namespace
}  // namespace harness
