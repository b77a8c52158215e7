// Runs of a test program with --nemesis: the same plan does the same twice, what proves nothing is
// an error, and nothing is left of a program that is killed.
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"
#include "tests_d/muster/support/wait.h"

namespace command {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kProgram[] = "muster-test-subject";

class NemesisTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file("  server[1-3]: {role: server}\n  client1: {role: client}\n")}),
                exits(0));
    ASSERT_EQ(setenv("MUSTER_RUN_DIR", directory_.c_str(), 1), 0);
  }
  void TearDown() override {
    unsetenv("MUSTER_RUN_DIR");
    OwnClusterTest::TearDown();
  }

  std::vector<std::string> arguments(const std::string& test,
                                     const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"--cluster=" + cluster_, "--gtest_filter=SubjectTest." + test};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Ended run(const std::string& test, const std::vector<std::string>& more) const {
    return runProgram(kProgram, arguments(test, more));
  }

  std::string pathOf(const std::string& test, const std::string& name) const {
    return directory_ + "/" + kProgram + "/SubjectTest." + test + "/" + name;
  }
  static std::string contentOf(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  // Stores a plan of one step, and returns its path.
  std::string planOf(const std::string& kind, const std::string& targets) const {
    std::string path = directory_ + "/" + kind + ".json";
    std::ofstream(path) << R"({"format": "muster nemesis plan", "version": 1, "generator": "hand",
      "seed": 0, "stream": "", "duration_ms": 5000, "excluded": {},
      "topology": [{"name": "server1", "role": "server"}, {"name": "server2", "role": "server"},
                   {"name": "server3", "role": "server"}, {"name": "client1", "role": "client"}],
      "steps": [{"at_ms": 1000, "duration_ms": 4000, "kind": ")"
                        << kind << R"(", "targets": [)" << targets << R"(], "parameters": {}}]})";
    return path;
  }

  // Returns what happened to which fault in which order, without the times.
  std::string orderIn(const std::string& test) const {
    std::istringstream lines(contentOf(pathOf(test, "nemesis.timeline.json")));
    std::string order;
    for (std::string line; std::getline(lines, line);) {
      bool isOrder =
          line.find("\"what\"") != std::string::npos || line.find("\"fault\"") != std::string::npos;
      if (isOrder) order += line + "\n";
    }
    return order;
  }

  // Returns what a fault could leave on the nodes.
  std::string remains() const {
    return onCluster("exec", {"@server,@client", "--", "sh", "-c",
                              "nft list tables; tc qdisc show; cat /proc/mounts; "
                              "ip -o address | sed 's/ tentative//'"})
        .out;
  }
};

TEST_F(NemesisTest, SeedAndStoredPlanDoTheSameAgain) {
  std::vector<std::string> seeded = {"--nemesis=gentle", "--nemesis-seed=7",
                                     "--nemesis-duration=14s", "--check-nodes"};
  Ended first = run("Works", seeded);
  ASSERT_THAT(first, AllOf(exits(0), complains("SubjectTest.Works: nemesis gentle, seed 7 for "),
                           complains("worked")));
  std::string plan = contentOf(pathOf("Works", "nemesis.plan.json"));
  std::string order = orderIn("Works");
  EXPECT_THAT(order, AllOf(HasSubstr("witnessed"), HasSubstr("gone"), Not(HasSubstr("failed"))));

  EXPECT_THAT(run("Works", seeded), exits(0));
  EXPECT_EQ(contentOf(pathOf("Works", "nemesis.plan.json")), plan);
  EXPECT_EQ(orderIn("Works"), order);

  std::string stored = directory_ + "/stored.json";
  std::ofstream(stored) << plan;
  EXPECT_THAT(run("Works", {"--nemesis=" + stored}), exits(0));
  EXPECT_EQ(contentOf(pathOf("Works", "nemesis.plan.json")), plan);
  EXPECT_EQ(orderIn("Works"), order);
  EXPECT_THAT(muster({"nemesis", "show", stored}), AllOf(exits(0), prints("seed 7 for Subject")));
}

TEST_F(NemesisTest, PlanOfAnotherTopologyIsRefusedWithTheReason) {
  std::string other = file("  server[1-5]: {role: server}\n");
  std::string plan = directory_ + "/plan.json";
  ASSERT_THAT(muster({"nemesis", "draw", "--cluster=" + other, "--seed=3", "-o", plan}), exits(0));
  EXPECT_THAT(run("HasNoLoad", {"--nemesis=" + plan}),
              AllOf(exits(2), prints("the plan is for 5 of role \"server\", and the nodes are 1 of "
                                     "role \"client\", 3 of role \"server\"")));
  EXPECT_THAT(run("HasNoLoad", {"--nemesis=" + directory_ + "/none.json"}),
              AllOf(exits(64), complains("neither gentle nor rough, and no plan")));
}

TEST_F(NemesisTest, RunThatProvesNothingIsAnError) {
  EXPECT_THAT(run("Idles", {"--nemesis=gentle"}),
              AllOf(exits(2), prints("infrastructure: nemesis: vacuous: load \"runs\" came to "
                                     "0.0/s, and its floor is 5.0/s, in time")));
  EXPECT_THAT(run("EndsEarly", {"--nemesis=gentle"}),
              AllOf(exits(2), prints("nemesis: vacuous: the test has a load, and ended before")));
  EXPECT_THAT(run("EndsEarly", {}), exits(0));
  EXPECT_THAT(run("HasNoLoad", {"--nemesis=gentle"}),
              AllOf(exits(3), prints("[  SKIPPED ]"),
                    prints("nemesis: vacuous: the test ended before the first fault")));
  EXPECT_THAT(run("SkipsInItsBody", {"--nemesis=gentle"}),
              AllOf(exits(3), prints("there is nothing to do"), Not(prints("vacuous"))));
}

TEST_F(NemesisTest, FixtureWhoseBodyCannotBeToldIsAnError) {
  std::vector<std::string> all = {"--cluster=" + cluster_, "--gtest_filter=SecretiveTest.Works"};
  EXPECT_THAT(runProgram(kProgram, all), exits(0));
  all.push_back("--nemesis=gentle");
  EXPECT_THAT(runProgram(kProgram, all),
              AllOf(exits(2), prints("infrastructure: nemesis: there were no faults: SetUp or "
                                     "TearDown of the fixture is private")));
}

TEST_F(NemesisTest, TestThatUnsetsTheRunDirectoryHasItsPlanStored) {
  EXPECT_THAT(runProgram(kProgram, {"--cluster=" + cluster_, "--gtest_filter=ForgetfulTest.Works",
                                    "--nemesis=gentle", "--nemesis-duration=7s"}),
              exits(0));
  std::string stored = directory_ + "/" + kProgram + "/ForgetfulTest.Works/nemesis.plan.json";
  EXPECT_THAT(muster({"nemesis", "show", stored}), exits(0));
}

TEST_F(NemesisTest, FaultThatIsNotWitnessedIsAnError) {
  std::string plan = directory_ + "/plan.json";
  ASSERT_THAT(muster({"nemesis", "draw", "--cluster=" + cluster_, "--seed=3", "-o", plan,
                      "--without=slow,late,freeze"}),
              exits(0));
  EXPECT_THAT(run("WorksWithoutNft", {"--nemesis=" + plan}),
              AllOf(exits(2), prints("infrastructure: nemesis: step 1 was not witnessed: "),
                    prints("1. failed")));
}

TEST_F(NemesisTest, FaultThatDoesNotEndIsAnError) {
  std::string before = remains();
  EXPECT_THAT(run("BreaksNftUnderAFault", {"--nemesis=" + planOf("isolate", R"(["server:1"])")}),
              AllOf(exits(2), prints("infrastructure: nemesis: step 1 was not healed: "),
                    prints("1. witnessed"), prints("1. failed: ")));
  EXPECT_TRUE(
      muster_tests::becomesTrue([&] { return remains() == before; }, std::chrono::seconds(30)))
      << remains();
}

TEST_F(NemesisTest, PowerCycleTakesTheNodeAwayAndGivesItBack) {
  std::vector<std::string> boot = {"server2", "--", "cat", "/proc/sys/kernel/random/boot_id"};
  std::string before = onCluster("exec", boot).out;
  EXPECT_THAT(run("Works", {"--nemesis=" + planOf("power-cycle", R"(["server:2"])")}), exits(0));
  EXPECT_THAT(orderIn("Works"), AllOf(HasSubstr("power-cycle server:2"), HasSubstr("witnessed"),
                                      HasSubstr("gone"), Not(HasSubstr("failed"))));
  Ended after = onCluster("exec", boot);
  EXPECT_THAT(after, exits(0));
  EXPECT_NE(after.out, before);
}

TEST_F(NemesisTest, PartitionCutsTheSidesOffAndIsHealed) {
  std::string sides = R"(["server:1", "client:1"], ["server:2", "server:3"])";
  EXPECT_THAT(run("SeesThePartition", {"--nemesis=" + planOf("partition", sides)}), exits(0));
  EXPECT_THAT(orderIn("SeesThePartition"),
              AllOf(HasSubstr("partition server:1,client:1 / server:2,server:3"),
                    HasSubstr("witnessed"), HasSubstr("gone"), Not(HasSubstr("failed"))));
}

TEST_F(NemesisTest, FailedTestShowsTheFaults) {
  std::string plan = directory_ + "/plan.json";
  ASSERT_THAT(muster({"nemesis", "draw", "--cluster=" + cluster_, "--seed=3", "--duration=10s",
                      "-o", plan, "--without=slow,late,freeze"}),
              exits(0));
  Ended ended = run("FailsUnderAFault", {"--nemesis=" + plan});
  EXPECT_THAT(ended, AllOf(exits(1), prints("replay with --nemesis="), prints("1. witnessed"),
                           prints("the test fails at "), prints("1. gone")));
  EXPECT_THAT(ended, prints("load \"runs\": "));
}

// $MUSTER_NEMESIS_KILLS says how often; `./dev test --all` does it 200 times.
TEST_F(NemesisTest, NothingIsLeftOfAProgramThatIsKilledAtAnyMoment) {
  const char* wanted = std::getenv("MUSTER_NEMESIS_KILLS");
  int kills = wanted ? std::atoi(wanted) : 3;
  ASSERT_GT(kills, 0);
  const char* seed = std::getenv("MUSTER_SEED");
  std::mt19937 random(seed ? std::strtoul(seed, nullptr, 10) : 1);
  ASSERT_THAT(run("HasNoLoad", {}), exits(0));
  std::string before = remains();
  ASSERT_THAT(before, HasSubstr("server3"));
  for (int i = 0; i < kills; ++i) {
    std::chrono::milliseconds moment(200 + random() % 9000);
    pid_t pid = startProgram(
        kProgram,
        arguments("Works", {"--nemesis=gentle", "--nemesis-seed=" + std::to_string(i + 1)}));
    auto hasEnded = [&] { return ::waitpid(pid, nullptr, WNOHANG) == pid; };
    ASSERT_FALSE(muster_tests::becomesTrue(hasEnded, moment)) << "it ended before it was killed";
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    EXPECT_THAT(run("HasNoLoad", {"--end-leftovers"}), exits(0));
    EXPECT_TRUE(
        muster_tests::becomesTrue([&] { return remains() == before; }, std::chrono::seconds(20)))
        << "killed after " << moment.count() << " ms, with seed " << i + 1 << ":\n"
        << remains() << "\nbefore:\n"
        << before;
  }
}

}  // namespace
}  // namespace command
