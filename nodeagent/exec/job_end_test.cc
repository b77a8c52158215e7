// Tries how the agent ends jobs, and what happens to the processes that they leave behind.
#include <signal.h>
#include <sys/wait.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/exec/job_fixture.h"

namespace nodeagent::exec {
namespace {

using testing::HasSubstr;

// Starts four kinds of children that a kill of the process group would miss. Each writes its pid to
// a file. One has a session of its own, one is orphaned by a double fork, one ignores SIGTERM, and
// one is stopped.
constexpr const char* kFamily = R"(
cd "$0"
setsid sh -c 'echo $$ > setsid; exec sleep 1000' &
sh -c '(setsid sh -c "echo \$\$ > orphan; exec sleep 1000" &)' &
sh -c 'trap "" TERM; echo $$ > deaf; while :; do sleep 1000; done' &
sh -c 'echo $$ > stopped; kill -STOP $$; sleep 1000' &
while [ ! -s setsid ] || [ ! -s orphan ] || [ ! -s deaf ] || [ ! -s stopped ]; do sleep 0.01; done
echo ready
exec sleep 1000
)";

// Each test runs with cgroups and without.
enum class Grouping { kCgroup, kDescent };

class JobEndTest : public JobFixture, public testing::WithParamInterface<Grouping> {
 protected:
  void SetUp() override {
    if (GetParam() == Grouping::kDescent) useDescent();
    if (GetParam() == Grouping::kCgroup && table->grouping() != "cgroup") {
      GTEST_SKIP() << "this machine has no writable cgroup2 hierarchy";
    }
  }

  void useDescent() {
    makesDescent_ = true;
    openTable(JobLimits());
    openSession();
  }

  kj::Own<ProcessSets> makeSets() override {
    return makesDescent_ ? ProcessSets::byDescent("test", timer()) : JobFixture::makeSets();
  }

  // Waits until all processes of `kFamily` exist, and returns their pids.
  SpecBuilder family() { return SpecBuilder({"/bin/sh", "-c", kFamily, directory}); }
  void awaitFamily(uint64_t number) {
    auto answer =
        follow(number, 0, 0, [](auto wish) { wish.setUntil(wire::Follow::Until::CHANGE); });
    ASSERT_EQ(bytes(answer.getProgress().getOutput().getData()), "ready\n");
  }
  std::vector<pid_t> familyPids() {
    std::vector<pid_t> pids;
    for (auto name : {"setsid", "orphan", "deaf", "stopped"})
      pids.push_back(std::stoi(read(path(name))));
    return pids;
  }
  bool allGone(const std::vector<pid_t>& pids) {
    return eventually([&]() {
      for (pid_t pid : pids) {
        if (isAlive(pid)) return false;
      }
      return true;
    });
  }

 private:
  bool makesDescent_ = false;
};

INSTANTIATE_TEST_SUITE_P(Groupings, JobEndTest,
                         testing::Values(Grouping::kCgroup, Grouping::kDescent), [](auto& each) {
                           return each.param == Grouping::kCgroup ? "Cgroup" : "Descent";
                         });

TEST_P(JobEndTest, TheDeadlineKillsTheWholeFamily) {
  SpecBuilder spec = family();
  spec->setDeadlineNs(kSecondNs / 2);
  spec->setGraceNs(kSecondNs / 10);
  start(1, spec);
  awaitFamily(1);
  auto result = finish(1);
  ASSERT_EQ(result->outcome().which(), wire::JobOutcome::DEADLINE);
  EXPECT_EQ(result->outcome().getDeadline().getSignalled().getNumber(), SIGTERM);
  EXPECT_TRUE(allGone(familyPids()));
  EXPECT_TRUE(eventually([&]() { return table->get(session->id(), 1).job().isGone(); }));
}

TEST_P(JobEndTest, CancelWithoutGraceKillsTheWholeFamilyAtOnce) {
  SpecBuilder spec = family();
  start(1, spec);
  awaitFamily(1);
  cancel(1, 0);
  auto result = finish(1);
  ASSERT_EQ(result->outcome().which(), wire::JobOutcome::CANCELLED);
  EXPECT_EQ(result->outcome().getCancelled().getSignalled().getNumber(), SIGKILL);
  EXPECT_TRUE(allGone(familyPids()));
}

TEST_P(JobEndTest, TheEndOfTheSessionKillsTheWholeFamily) {
  SpecBuilder spec = family();
  spec->setGraceNs(kSecondNs / 10);
  start(1, spec);
  awaitFamily(1);
  session->end(EndReason::kClosed).wait(waitScope);
  EXPECT_EQ(session->leftovers().size(), 0u);
  EXPECT_TRUE(allGone(familyPids()));
  EXPECT_EQ(table->runningCount(), 0u);
}

TEST_P(JobEndTest, TheEndOfTheSessionDoesNotWaitForTheReaderOfAFullOutput) {
  SpecBuilder spec({"/bin/sh", "-c", "exec yes"});
  spec->initOutput().setRetainedBytesMax(4096);
  auto request = runRequest(nextNumber++, spec, kSecondNs / 5);
  EXPECT_EQ(errorOf(request.send().wait(waitScope)), "");
  auto before = timer().now();
  session->end(EndReason::kClosed).wait(waitScope);
  EXPECT_LT((timer().now() - before) / kj::MILLISECONDS, 3000);
  EXPECT_EQ(session->leftovers().size(), 0u);
}

TEST_P(JobEndTest, AJobThatExitsOnSigtermCountsAsCancelled) {
  SpecBuilder spec(shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"));
  start(1, spec);
  awaitFamily(1);
  cancel(1, -1);
  auto result = finish(1);
  ASSERT_EQ(result->outcome().which(), wire::JobOutcome::CANCELLED);
  EXPECT_EQ(result->outcome().getCancelled().getExited(), 7);
}

TEST_P(JobEndTest, ADaemonThatHoldsTheOutputIsNamedAndLeftAlone) {
  SpecBuilder spec(shell("setsid sleep 1000 & echo $!"));
  spec->setDrainNs(kSecondNs / 20);
  auto result = run(1, spec);
  EXPECT_EQ(result->outcome().getExited(), 0);
  pid_t daemon = std::stoi(result->output);
  auto holders = result->status().getHolders();
  ASSERT_EQ(holders.size(), 1u);
  EXPECT_EQ(holders[0].getPid(), daemon);
  EXPECT_STREQ(holders[0].getCommand().cStr(), "sleep");
  EXPECT_EQ(result->status().getLeftRunning(), 1u);
  EXPECT_LT(result->status().getElapsedNs(), 5 * kSecondNs);
  acknowledge(1);
  EXPECT_TRUE(isAlive(daemon));
  session->end(EndReason::kExpired).wait(waitScope);
  EXPECT_TRUE(allGone({daemon}));
}

// The daemon starts itself again for ever, so it often has no environment that would identify it.
TEST_P(JobEndTest, ADaemonInTheMiddleOfAnExecIsSeenAndKilled) {
  SpecBuilder spec(
      shell("loop='exec sh -c \"$0\" \"$0\"'; setsid sh -c \"$loop\" \"$loop\" >/dev/null 2>&1 & "
            "echo $!"));
  for (uint64_t number = 1; number <= 20; ++number) {
    auto result = run(number, spec);
    EXPECT_EQ(result->status().getLeftRunning(), 1u) << number;
    cancel(number, 0);
    EXPECT_TRUE(allGone({std::stoi(result->output)}));
  }
}

// Root can move a daemon out of its job's cgroup. The job is over then, and nothing waits for the
// daemon any more.
TEST_P(JobEndTest, EscapeesOfAnEndedJobAreKilledWithTheSession) {
  if (GetParam() != Grouping::kCgroup) GTEST_SKIP() << "there is no group to leave";
  SpecBuilder spec(
      shell("top=$(awk '$3 == \"cgroup2\" { print $2; exit }' /proc/mounts)\n"
            "(echo 0 > \"$top/cgroup.procs\"; exec setsid sleep 1000 >/dev/null 2>&1) & echo $!; "
            "until grep -q sleep /proc/$!/comm; do sleep 0.01; done"));
  auto result = run(1, spec);
  ASSERT_EQ(result->outcome().getExited(), 0);
  pid_t daemon = std::stoi(result->output);
  EXPECT_EQ(result->status().getLeftRunning(), 0u);
  EXPECT_TRUE(table->get(session->id(), 1).job().isGone());
  acknowledge(1);
  auto first = kj::mv(session);
  openSession();
  // A job of a new session makes the table forget those that are over and left nothing.
  run(1, spec);
  EXPECT_TRUE(isAlive(daemon));
  first->end(EndReason::kClosed).wait(waitScope);
  EXPECT_FALSE(isAlive(daemon));
  EXPECT_EQ(first->leftovers().size(), 0u);
  session->end(EndReason::kClosed).wait(waitScope);
}

TEST_P(JobEndTest, ADaemonMayGoOnWritingToAnEndedJob) {
  SpecBuilder spec({"/bin/sh", "-c",
                    "cd \"$0\"; setsid sh -c 'until [ -e go ]; do sleep 0.01; done; echo late; "
                    "touch survived' & :",
                    directory});
  spec->setDrainNs(0);
  auto result = run(1, spec);
  EXPECT_EQ(result->output, "");
  std::ofstream(path("go")) << "now";
  EXPECT_TRUE(eventually([&]() { return std::filesystem::exists(path("survived")); }));
}

TEST_P(JobEndTest, CancelOfAnEndedJobKillsItsLeftovers) {
  SpecBuilder spec(shell("setsid sleep 1000 >/dev/null 2>&1 & echo $!"));
  auto result = run(1, spec);
  pid_t daemon = std::stoi(result->output);
  EXPECT_EQ(result->status().getLeftRunning(), 1u);
  EXPECT_EQ(result->status().getHolders().size(), 0u);
  cancel(1, 0);
  EXPECT_TRUE(allGone({daemon}));
  EXPECT_EQ(finish(1)->outcome().which(), wire::JobOutcome::EXITED);
}

TEST_P(JobEndTest, ASignalReachesTheFirstProcessOrAll) {
  SpecBuilder spec(
      shell("trap 'echo got' USR1; sh -c 'trap \"echo child; exit\" USR1; echo ready; "
            "while :; do sleep 0.01; done' & wait; wait; exit 3"));
  start(1, spec);
  awaitFamily(1);
  auto request = jobs->signalRequest();
  request.setNumber(1);
  request.setSignal(SIGUSR1);
  request.setTarget(wire::Jobs::Target::ALL);
  EXPECT_EQ(errorOf(request.send().wait(waitScope)), "");
  auto result = finish(1);
  EXPECT_EQ(result->outcome().getExited(), 3);
  EXPECT_THAT(result->output, HasSubstr("child\n"));
  EXPECT_THAT(result->output, HasSubstr("got\n"));
}

TEST_P(JobEndTest, ADetachedJobSurvivesTheEndOfItsSession) {
  SpecBuilder spec(shell("echo ready; sleep 0.3; echo done"));
  spec->setLifetime(wire::JobSpec::JobLifetime::DETACHED);
  start(1, spec);
  awaitFamily(1);
  session->end(EndReason::kClosed).wait(waitScope);
  auto view = makeJobView(*kept);
  auto request = view.followRequest();
  request.setSessionId(session->id().data());
  request.setNumber(1);
  setFollow(request.initFollow(), 20 * kSecondNs);
  auto answer = request.send().wait(waitScope);
  EXPECT_EQ(answer.getProgress().getStatus().getOutcome().getExited(), 0);
  EXPECT_EQ(bytes(answer.getProgress().getOutput().getData()), "ready\ndone\n");
}

TEST_P(JobEndTest, TooManyLeftoversRefuseANewJob) {
  JobLimits limits;
  limits.leftRunningMax = 2;
  openTable(limits);
  openSession();
  SpecBuilder spec(shell("setsid sleep 1000 >/dev/null 2>&1 &"));
  run(1, spec);
  run(2, spec);
  auto refused = runRequest(3, spec).send().wait(waitScope);
  EXPECT_EQ(refused.getError().getKind(), wire::Error::Kind::OVERLOADED);
  cancel(1, 0);
  ASSERT_TRUE(eventually([&]() { return table->get(session->id(), 1).job().isGone(); }));
  run(3, spec);
}

TEST_P(JobEndTest, AFullSessionIsOverloadedUntilAJobEnds) {
  JobLimits limits;
  limits.runningInSessionMax = 2;
  openTable(limits);
  openSession();
  SpecBuilder spec({"sleep", "1000"});
  start(1, spec);
  start(2, spec);
  auto refused = runRequest(3, spec).send().wait(waitScope);
  EXPECT_EQ(refused.getError().getKind(), wire::Error::Kind::OVERLOADED);
  cancel(1, 0);
  finish(1);
  start(3, spec);
  EXPECT_EQ(table->runningCount(), 2u);
}

}  // namespace
}  // namespace nodeagent::exec
