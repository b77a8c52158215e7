// Shows that the model reports each violation of an invariant, and nothing else.
#include "tests_d/muster/robustness/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/robustness/stream.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::NodeError;
using muster::Outcome;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Returns a history with one command that went well.
History goodHistory() {
  CommandRecord command{.name = "c1", .outLines = 20, .errLines = 3, .exitStatus = 7};
  command.called = SteadyTime(100s);
  command.returned = SteadyTime(101s);
  command.deadline = SteadyTime(110s);
  command.outcome = Outcome::exited(7);
  command.out = streamText("c1", 20);
  command.err = streamText("c1.err", 3);
  return {{command}, {}, {{"c1", 4711}}};
}

FileRecord fileRecord(bool write, uint64_t version) {
  return {.path = "/f", .write = write, .version = version, .deadline = SteadyTime(10s)};
}

TEST(ModelTest, GoodHistoryHasNoViolations) {
  EXPECT_THAT(violations(goodHistory(), {}), IsEmpty());
  EXPECT_THAT(violations({}, {}), IsEmpty());
}

TEST(ModelTest, DoubleExecutionIsFound) {
  History history = goodHistory();
  history.executions.emplace("c1", 4712);
  EXPECT_THAT(violations(history, {}), ElementsAre(HasSubstr("I2 c1: was executed 2 times")));
}

TEST(ModelTest, ExecutionThatNobodyAskedForIsFound) {
  History history = goodHistory();
  history.executions.emplace("c9", 1);
  EXPECT_THAT(violations(history, {}), ElementsAre(HasSubstr("I2 c9")));
}

TEST(ModelTest, LostByteIsFoundInEitherStream) {
  History history = goodHistory();
  history.commands[0].out.erase(30, 1);
  history.commands[0].err.pop_back();
  EXPECT_THAT(violations(history, {}),
              ElementsAre(HasSubstr("I1 c1: standard output"), HasSubstr("standard error")));
}

TEST(ModelTest, WrongExitStatusAndExitWithoutExecutionAreFound) {
  History history = goodHistory();
  history.commands[0].outcome = Outcome::exited(0);
  history.executions.clear();
  EXPECT_THAT(violations(history, {}),
              ElementsAre(HasSubstr("I6 c1: exited with status 0, really 7"),
                          HasSubstr("I6 c1: is said to have exited, but never ran")));
}

TEST(ModelTest, ExecutionDespiteNotStartedIsFound) {
  History history = goodHistory();
  history.commands[0].outcome = Outcome::notStarted(2, "");
  EXPECT_THAT(violations(history, {.outcomes = {Outcome::Kind::kNotStarted}}),
              ElementsAre(HasSubstr("I6 c1: is said not to have started")));
}

TEST(ModelTest, OutcomeAndErrorMustBeAllowed) {
  History history = goodHistory();
  CommandRecord& command = history.commands[0];
  command.outcome = Outcome::lost(muster::LostReason::kKeeperRestarted, "");
  EXPECT_THAT(violations(history, {}), ElementsAre(HasSubstr("I3 c1: outcome not allowed")));
  EXPECT_THAT(violations(history, {.outcomes = {Outcome::Kind::kLost}}), IsEmpty());
  command.outcome.reset();
  EXPECT_THAT(violations(history, {}), ElementsAre(HasSubstr("neither an outcome nor an error")));
  command.error = NodeError::Kind::kUnreachable;
  EXPECT_THAT(violations(history, {}), ElementsAre(HasSubstr("I3 c1: error not allowed")));
  EXPECT_THAT(violations(history, {.errors = {NodeError::Kind::kUnreachable}}), IsEmpty());
}

TEST(ModelTest, LostCommandMayHaveABeginningOfItsOutputOnly) {
  History history = goodHistory();
  Allowed allowed{.outcomes = {Outcome::Kind::kLost}};
  history.commands[0].outcome = Outcome::lost(muster::LostReason::kKeeperRestarted, "");
  history.commands[0].out.resize(100);
  EXPECT_THAT(violations(history, allowed), IsEmpty());
  history.commands[0].out += "x";
  EXPECT_THAT(violations(history, allowed), ElementsAre(HasSubstr("I1 c1")));
}

TEST(ModelTest, LateReturnIsFound) {
  History history = goodHistory();
  history.commands[0].returned = history.commands[0].deadline + 250ms;
  EXPECT_THAT(violations(history, {}), IsEmpty());
  history.commands[0].returned += 1ms;
  EXPECT_THAT(violations(history, {}), ElementsAre(HasSubstr("I5 c1: returned 251 ms after")));
}

TEST(ModelTest, FileHoldsTheLastVersionOrOneThatWasTried) {
  History history;
  history.files = {fileRecord(true, 1), fileRecord(false, 1), fileRecord(true, 2)};
  history.files[2].error = NodeError::Kind::kUnreachable;
  Allowed allowed{.errors = {NodeError::Kind::kUnreachable}};
  for (uint64_t seen : {1, 2}) {
    History either = history;
    either.files.push_back(fileRecord(false, seen));
    EXPECT_THAT(violations(either, allowed), IsEmpty());
  }
  History future = history;
  future.files.push_back(fileRecord(false, 3));
  EXPECT_THAT(violations(future, allowed), ElementsAre(HasSubstr("I7 /f: holds version 3")));
  // A version older than one that was seen before is a violation.
  history.files.push_back(fileRecord(false, 2));
  history.files.push_back(fileRecord(false, 1));
  EXPECT_THAT(violations(history, allowed), ElementsAre(HasSubstr("possible are 2 to 2")));
}

TEST(ModelTest, MixedFileIsFound) {
  History history;
  history.files = {fileRecord(true, 1), fileRecord(false, 1)};
  history.files[1].whole = false;
  EXPECT_THAT(violations(history, {}), ElementsAre(HasSubstr("I7 /f: is not a version in full")));
}

TEST(ModelTest, ExecutionsAreReadFromLines) {
  EXPECT_THAT(parseExecutions("a 1\nb 2\na 3\n"),
              ElementsAre(testing::Pair("a", 1), testing::Pair("a", 3), testing::Pair("b", 2)));
}

}  // namespace
}  // namespace robustness
