// F15 and F17: the node runs out of memory, or of processes.
//
// The kernel may end a command, but never the agent. A command that cannot be started is reported
// with its errno.
#include <signal.h>

#include <cerrno>

#include "tests_d/muster/robustness/component.h"
#include "tests_d/muster/robustness/control_group.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::Outcome;
using Limit = ControlGroup::Limit;
using Part = Agent::Part;

class GroupTest : public FaultTest {
 protected:
  // Starts an agent in a control group of its own, which also holds all that it starts.
  ControlGroup& startWithin(Limit limit, uint64_t value) {
    group_.emplace(limit, "muster-test-" + tag_, value);
    startAgent();
    connect();
    group_->add(agent().pid(Part::kKeeper));
    group_->add(agent().pid(Part::kFront));
    return *group_;
  }
  void expectUsable() {
    EXPECT_TRUE(agent().alive(Part::kKeeper)) << agent().end();
    EXPECT_TRUE(agent().alive(Part::kFront)) << agent().end();
    EXPECT_EQ(node().run({"true"}, tagged()).outcome, Outcome::exited(0));
  }
  void TearDown() override {
    FaultTest::TearDown();
    group_.reset();
  }

  std::optional<ControlGroup> group_;
};

// The outcome must tell a command that the kernel ended for want of memory from one that somebody
// killed.
TEST_F(GroupTest, CommandOutOfMemoryEndsAndTheAgentLives) {
  if (!ControlGroup::available(Limit::kMemoryBytes)) GTEST_SKIP() << "no cgroup limits memory here";
  startWithin(Limit::kMemoryBytes, 200 << 20);
  size_t times = trials(5, 0.02);
  for (size_t i = 0; i < times && !HasFailure(); ++i) {
    // A command that needs little memory must not suffer.
    muster::Process small = node().start(escapeArgv("plain", tag_ + std::to_string(i)), tagged());
    small.readUntil("ready", 10s);
    Outcome outcome =
        node().run({"dd", "if=/dev/zero", "of=/dev/null", "bs=1G", "count=1"}, tagged()).outcome;
    EXPECT_EQ(outcome.kind(), Outcome::Kind::kSignalled) << outcome;
    EXPECT_EQ(outcome.signal(), SIGKILL) << outcome;
    EXPECT_EQ(outcome.outOfMemory(), muster::OutOfMemory::kYes) << outcome;
    EXPECT_NE(toString(outcome).find("memory ran out"), std::string::npos) << outcome;
    EXPECT_TRUE(small.running());
    small.kill();
    expectUsable();
    outcome = node().run({"sh", "-c", "kill -9 $$"}, tagged()).outcome;
    EXPECT_EQ(outcome.signal(), SIGKILL) << outcome;
    EXPECT_NE(outcome.outOfMemory(), muster::OutOfMemory::kYes) << outcome;
  }
  std::printf("F15 %zu commands of 1 GiB in 200 MiB: the kernel ended each, and nothing else\n",
              times);
}

// The limit is met at the start of the command, and at each process that the command starts itself.
TEST_F(GroupTest, CommandIsNotStartedAtTheProcessLimit) {
  if (!ControlGroup::available(Limit::kProcesses))
    GTEST_SKIP() << "no cgroup limits processes here";
  ControlGroup& group = startWithin(Limit::kProcesses, 1000);
  for (size_t room = 0; room < 4; ++room) {
    group.setLimit(group.used() + room);
    Outcome outcome = node().run({"sh", "-c", "true & true & true & wait"}, tagged()).outcome;
    if (room == 0) {
      EXPECT_EQ(outcome.kind(), Outcome::Kind::kNotStarted) << outcome;
      EXPECT_EQ(outcome.errnoValue(), EAGAIN) << outcome;
    } else {
      EXPECT_EQ(outcome.kind(), Outcome::Kind::kExited) << outcome;
    }
    group.setLimit(1000);
    expectUsable();
  }
}

}  // namespace
}  // namespace robustness
