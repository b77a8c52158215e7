// A Process that is moved, against a scripted agent: the command goes with it, and ends once. And
// one whose connection is not there: the program has ended it, or has forked.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/node_error.h>
#include <muster/process.h>

#include "harness/api/access.h"
#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent_fixture.h"

namespace harness {
namespace {

using muster::Process;
using namespace std::chrono_literals;

class ProcessTest : public testing::Test {
 protected:
  ProcessTest() : node_(ApiAccess::node(controller_.connect(agent_.description()))) {}

  Process hanging(const muster::RunOptions& options = {}) { return node_.start({"hang"}, options); }

  bool isCancelled(uint64_t number) { return agent_.session().jobs.at(number).cancelled; }

  FakeAgent agent_;
  Controller controller_;
  muster::Node node_;
};

TEST_F(ProcessTest, ConstructionByMoveTakesTheCommandOver) {
  Process first = hanging();
  Process second = std::move(first);
  EXPECT_TRUE(second.running());
  EXPECT_THAT(second.argv(), testing::ElementsAre("hang"));
  EXPECT_FALSE(isCancelled(1));
  EXPECT_EQ(second.kill().outcome.kind(), muster::Outcome::Kind::kCancelled);
}

TEST_F(ProcessTest, AssignmentEndsTheCommandThatTheTargetHeld) {
  Process process = hanging();
  process = hanging();
  EXPECT_TRUE(isCancelled(1));
  EXPECT_FALSE(isCancelled(2));
  EXPECT_TRUE(process.running());
}

TEST_F(ProcessTest, AssignmentToItselfChangesNothing) {
  Process process = hanging();
  Process& same = process;
  process = std::move(same);
  EXPECT_TRUE(process.running());
}

TEST_F(ProcessTest, AssignmentLeavesADetachedCommandAlone) {
  Process process = hanging({.lifetime = muster::CommandLifetime::kDetached});
  process = hanging();
  EXPECT_FALSE(isCancelled(1));
}

TEST_F(ProcessTest, LinesThatWereReadStayReadAfterAMove) {
  Process first = node_.start({"emit", "one\ntwo\n"});
  EXPECT_EQ(first.readLine(std::chrono::seconds(5)), "one");
  Process second = std::move(first);
  EXPECT_EQ(second.readLine(std::chrono::seconds(5)), "two");
}

TEST_F(ProcessTest, ReadingFromACommandThatNeverRanSaysWhy) {
  Process process = node_.start({"missing"});
  using Call = std::function<void()>;
  for (const Call& call :
       {Call([&] { process.readLine(5s); }), Call([&] { process.readUntil("x", 5s); }),
        Call([&] { process.output(); }), Call([&] { process.errors(); }),
        Call([&] { process.write("x"); })}) {
    try {
      call();
      ADD_FAILURE() << "read from nothing";
    } catch (const muster::NodeError& error) {
      EXPECT_EQ(error.errnoValue(), ENOENT);
      EXPECT_THAT(error.what(), testing::HasSubstr("not started: execute missing: No such file"));
    }
  }
  EXPECT_FALSE(process.running());
}

TEST_F(ProcessTest, EndOfTheOutputSaysHowTheCommandEnded) {
  Process process = node_.start({"fail", "one\n"});
  try {
    process.readUntil("two", 5s);
    ADD_FAILURE() << "found what is not there";
  } catch (const muster::NodeError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("the output ended: exited with status 3; wrote"));
  }
}

TEST_F(ProcessTest, VectorOfThemEndsEachOnce) {
  std::vector<Process> processes;
  for (int i = 0; i < 5; ++i) processes.push_back(hanging());
  processes.erase(processes.begin() + 1);
  EXPECT_TRUE(isCancelled(2));
  for (uint64_t number : {1, 3, 4, 5}) EXPECT_FALSE(isCancelled(number)) << number;
  processes.clear();
  for (uint64_t number : {1, 3, 4, 5}) EXPECT_TRUE(isCancelled(number)) << number;
  EXPECT_EQ(agent_.session().jobs.size(), 5u);
}

// A static Process ends after main, when the connections are closed.
TEST_F(ProcessTest, OneThatOutlivesTheConnectionsSaysSo) {
  testing::internal::CaptureStderr();
  {
    Process process = hanging();
    controller_.stop();
    EXPECT_EQ(node_.state().kind, muster::NodeState::Kind::kClosed);
    EXPECT_THROW(process.running(), muster::NodeError);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::HasSubstr("[\"hang\"]: its Process lived longer"));
}

// The thread of the connections is not in a fork, so a wait for it would last until its deadline.
TEST_F(ProcessTest, CallsInAForkFailAtOnce) {
  Process process = hanging();
  pid_t child = fork();
  if (child == 0) {
    bool isRefused = false;
    try {
      process.running();
    } catch (const muster::NodeError& error) {
      isRefused = error.kind() == muster::NodeError::Kind::kInvalid;
    }
    _exit(isRefused ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(process.running());
}

}  // namespace
}  // namespace harness
