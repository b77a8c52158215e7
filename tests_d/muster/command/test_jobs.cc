// `muster ps` and `muster kill` find and end jobs of every controller on real nodes.
#include <signal.h>
#include <sys/wait.h>

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"
#include "tests_d/muster/support/wait.h"

namespace command {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kTwo[] = "  server[1-2]: {role: server}\n";
constexpr std::chrono::seconds kWaitMax{20};

class JobsTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file(kTwo)}), exits(0));
  }
  void TearDown() override {
    for (pid_t pid : started_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    OwnClusterTest::TearDown();
  }

  // Runs `muster exec` in the background and waits until `ps` shows its jobs on both servers.
  void startRun(const std::string& run, const std::string& script) {
    started_.push_back(startProgram("muster", {"exec", "--cluster", cluster_, "--run-id", run,
                                               "@server", "--", "sh", "-c", script}));
    for (std::string node : {"server1", "server2"}) {
      ASSERT_THAT(awaitPs({node, "--run-id", run}, "running"), prints(node));
    }
  }

  // Repeats `ps` until it prints `text` or kPatience has passed, and returns the last result.
  Ended awaitPs(const std::vector<std::string>& arguments, const std::string& text) {
    Ended last;
    muster_tests::becomesTrue(
        [&] {
          last = onCluster("ps", arguments);
          return last.out.find(text) != std::string::npos;
        },
        kWaitMax);
    return last;
  }

  std::vector<pid_t> started_;
};

TEST_F(JobsTest, JobsOfARunAreListedAndEndedOnEveryNode) {
  startRun("r1", "sleep 1000 & setsid sleep 1000 & wait");
  startRun("r2", "sleep 2000");
  EXPECT_THAT(onCluster("ps", {}), AllOf(exits(0), prints("  r1  "), prints("sleep 2000")));
  EXPECT_THAT(onCluster("ps", {"server1", "--run-id", "r1"}),
              AllOf(prints("server1"), prints("uid:0"), prints("running"), prints("  3  "),
                    Not(prints("server2")), Not(prints("r2"))));
  EXPECT_THAT(onCluster("kill", {"--run-id", "r1"}),
              AllOf(exits(0), prints("server1: 1 job with 3 processes ended\n"),
                    prints("server2: 1 job with 3 processes ended\n")));
  EXPECT_THAT(onCluster("kill", {"--run-id", "r1"}),
              AllOf(exits(0), prints("server1: nothing to")));
  EXPECT_THAT(onCluster("exec", {"server1", "--", "pgrep", "-x", "sleep", "-c"}), prints("1\n"));
}

// Its jobs would stay until the lease runs out. A person who waits for that can end them at once.
TEST_F(JobsTest, RunOfAKilledControllerCanBeEnded) {
  startRun("dead", "trap '' TERM; while :; do sleep 1; done");
  ::kill(started_.back(), SIGKILL);
  EXPECT_THAT(onCluster("kill", {"--run-id", "dead", "--grace", "100ms"}),
              AllOf(exits(0), prints("server1: 1 job"), prints("server2: 1 job")));
  EXPECT_THAT(onCluster("ps", {"--run-id", "dead"}), Not(prints("running")));
  EXPECT_THAT(onCluster("ps", {"--run-id", "dead", "--all"}), prints("cancelled"));
}

TEST_F(JobsTest, ProcessesThatACommandLeftAreFoundByItsRun) {
  // The session of the command lives as long as its controller, which goes on waiting for server1.
  startRun("left", "setsid sleep 1000 >/dev/null 2>&1 & until [ -e /run/go ]; do sleep 0.01; done");
  ASSERT_THAT(onCluster("exec", {"server2", "--", "touch", "/run/go"}), exits(0));
  EXPECT_THAT(awaitPs({"server2", "--run-id", "left"}, "left 1 process"), prints("with status 0"));
  EXPECT_THAT(onCluster("kill", {"--run-id", "left", "--nodes", "server2"}),
              AllOf(exits(0), prints("server2: 1 job with 1 process ended\n")));
}

TEST_F(JobsTest, JobIsEndedByTheNameThatPsShows) {
  startRun("r1", "sleep 1000");
  Ended json = onCluster("ps", {"server1", "--json"});
  size_t at = json.out.find("\"job\": \"");
  ASSERT_NE(at, std::string::npos) << json.out;
  std::string job = json.out.substr(at + 8, json.out.find('"', at + 8) - at - 8);
  EXPECT_THAT(json.out, AllOf(HasSubstr("\"run\": \"r1\""), HasSubstr("\"alive\": true")));
  EXPECT_THAT(onCluster("kill", {job, "--json"}),
              AllOf(exits(0), prints("\"remaining\": []"), prints("\"jobs\": 1")));
  EXPECT_THAT(onCluster("kill", {job}), exits(0));
  EXPECT_THAT(onCluster("ps", {}), AllOf(Not(prints(job)), prints("server2")));
}

TEST_F(JobsTest, FrozenNodeIsNamedAndDelaysNoOther) {
  startRun("r1", "sleep 1000");
  {
    FrozenNode frozen(cluster_, "server2");
    EXPECT_THAT(onCluster("ps", {"--connect-timeout", "300ms"}),
                AllOf(exits(69), prints("server1"), complains("server2")));
    EXPECT_THAT(onCluster("kill", {"--run-id", "r1", "--connect-timeout", "300ms"}),
                AllOf(exits(69), prints("server1: 1 job"), complains("server2")));
  }
  EXPECT_THAT(onCluster("kill", {"--run-id", "r1"}), AllOf(exits(0), prints("server2: 1 job")));
}

TEST_F(JobsTest, WrongArgumentsAreRefused) {
  EXPECT_THAT(onCluster("kill", {}), AllOf(exits(64), complains("say what to end")));
  EXPECT_THAT(onCluster("kill", {"--run-id", "r", "ab.1"}), AllOf(exits(64), complains("either")));
  EXPECT_THAT(onCluster("kill", {"nonsense"}), AllOf(exits(64), complains("is not a job such")));
  EXPECT_THAT(onCluster("kill", {"ab.1"}), AllOf(exits(0), complains("no node knows job ab.1")));
  EXPECT_THAT(onCluster("kill", {"--run-id", "r", "--grace", "x"}), complains("--grace: \"x\""));
  EXPECT_THAT(onCluster("ps", {"--label", "x"}), AllOf(exits(64), complains("NAME=VALUE")));
  EXPECT_THAT(onCluster("ps", {"--run-id", "a b"}),
              AllOf(exits(64), complains("--run-id: \"a b\"")));
}

// A cluster that was taken down does not come back by itself, so nobody waits for its answer.
TEST_F(JobsTest, CommandEndsWithTheClusterThatIsTakenDown) {
  startRun("r1", "sleep 1000");
  pid_t waiting = started_.back();
  started_.pop_back();
  EXPECT_THAT(muster({"down", cluster_}), exits(0));
  int status = 0;
  auto hasEnded = [&] { return ::waitpid(waiting, &status, WNOHANG) == waiting; };
  if (!muster_tests::becomesTrue(hasEnded, std::chrono::seconds(30))) {
    ::kill(waiting, SIGKILL);
    ::waitpid(waiting, &status, 0);
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 69) << status;
}

// Nobody asked for the end of a daemon that a command started, so it is said.
TEST_F(JobsTest, WhatACommandLeftRunningEndsAndIsNamed) {
  EXPECT_THAT(onCluster("exec", {"server1", "--", "sh", "-c", "sleep 61 >/dev/null 2>&1 &"}),
              AllOf(exits(0), complains("server1: the command left 1 process running")));
  EXPECT_THAT(onCluster("ps", {}), Not(prints("sleep 61")));
}

TEST_F(JobsTest, DetachedCommandGoesOnWithWhatItStarts) {
  EXPECT_THAT(onCluster("exec", {"--detach", "--run-id", "d1", "@server", "--", "sh", "-c",
                                 "sleep 61 & exec sleep 62"}),
              AllOf(exits(0), prints("server1: started as pid "), prints("server2: started"),
                    complains("muster kill --run-id d1")));
  EXPECT_THAT(awaitPs({"server2", "--run-id", "d1"}, " 2 "), prints("running"));
  EXPECT_THAT(onCluster("kill", {"--run-id", "d1"}), exits(0));
  EXPECT_THAT(onCluster("exec", {"-d", "server1", "--", "no-such-program"}),
              AllOf(exits(127), prints("server1: not started")));
  EXPECT_THAT(onCluster("exec", {"-d", "-i", "server1", "--", "cat"}),
              AllOf(exits(64), complains("--detach and --input")));
}

}  // namespace
}  // namespace command
