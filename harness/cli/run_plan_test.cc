// `muster run --dry-run`, with programs that only list tests.
#include <stdlib.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/command_error.h"
#include "harness/cli/muster_testing.h"
#include "harness/cli/node_prospect.h"
#include "harness/cli/table.h"
#include "harness/os/files.h"
#include "harness/run/record_writer.h"
#include "harness/run/run_directory.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Writes its list, and notes each of its calls.
constexpr char kProgram[] =
    "#!/bin/sh\necho \"$@\" >> \"$0.calls\"\ncp \"$0.json\" \"$MUSTER_TEST_LIST\"\n";

constexpr char kWaivers[] = R"(waivers:
  - {tests: kvd/KvTest.Heals, reason: heals slowly, owner: jo, expires: 2999-01-01, bug: GH-7, when: {kernel: ">= 6.1"}}
  - {tests: kvd/RaftTest.*, reason: moves, owner: al, expires: 2999-01-01, quarantine: true}
  - {tests: kvd/KvTest.*, reason: was slow, owner: jo, expires: 2020-01-01}
  - {tests: net/*, reason: not here, owner: jo, expires: 2999-01-01}
)";

Json listed(const std::string& suite, const std::string& name, int servers) {
  Json test = {{"suite", suite},
               {"name", name},
               {"file", "kv_test.cc"},
               {"line", 7},
               {"disabled", name.starts_with("DISABLED_")},
               {"labels", Json::array()},
               {"owner", ""},
               {"requirements", Json::array()},
               {"timeLimitNs", 0},
               {"after", Json::array()},
               {"disruptive", false}};
  if (servers > 0) {
    test["needs"] = {{"nodes", {{"server", servers}}},
                     {"systemd", false},
                     {"capabilities", Json::array()},
                     {"abilities", Json::array()},
                     {"memoryBytes", 0}};
  }
  return test;
}

// Works in a directory of its own, with a component of five tests and a cluster of two nodes that
// are not there.
class DryRunTest : public testing::Test {
 protected:
  DryRunTest() : before_(fs::current_path()) {
    char pattern[] = "/tmp/muster-plan-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    fs::current_path(directory_);
    ::unsetenv("MUSTER_CLUSTER");
    fs::create_directory("bin");
    putFile("bin/kvd_tests", kProgram, 0755);
    tests_ = {listed("KvTest", "Heals", 2), listed("KvTest", "Writes", 0),
              listed("RaftTest", "Elects", 5), listed("RaftTest", "Cuts", 0),
              listed("RaftTest", "DISABLED_Old", 0)};
    tests_[1]["after"] = {"KvTest.Heals"};
    tests_[3]["disruptive"] = true;
    tests_[2]["needs"]["abilities"] = {"power"};
    putFile("lab.yaml",
            "provisioner: static\nnodes:\n  server[1-2]: {role: server, address: "
            "\"127.0.0.[2-3]:1\"}\n",
            0644);
    putFile("waivers.yaml", kWaivers, 0644);
  }
  ~DryRunTest() override {
    fs::current_path(before_);
    fs::remove_all(directory_);
  }

  // Makes a run in which the test took that long.
  static void addRun(const std::string& id, const std::string& test, double seconds) {
    std::string run = run::defaultRunDirectory(id);
    run::makeRunDirectory(run, id);
    run::RecordWriter writer(run::recordPath(run, "kvd_tests-1"),
                             {{"role", "program"}, {"run", id}, {"component", "kvd"}});
    std::string item = writer.begin("test", "", {{"suite", "KvTest"}, {"name", test}});
    writer.end(item, {{"outcome", "passed"}, {"seconds", seconds}});
    writer.close("");
  }

  using Ended = MusterEnded;

  Ended plan(std::vector<std::string> words) const {
    putFile("bin/kvd_tests.json", Json({{"list", 1}, {"tests", tests_}}).dump(), 0644);
    words.insert(words.begin(), {"run", "--dry-run", "--bin-dir", "bin"});
    return endedMuster(words);
  }

  fs::path before_;
  std::string directory_;
  Json tests_;
};

TEST_F(DryRunTest, PlanNamesProcessesTimesAndWhatCannotRun) {
  addRun("20261201T020000Z-aaaaaa", "Heals", 2);
  Ended ended = plan({"--cluster", "./lab.yaml"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(ended.output,
            "plan: 4 tests in 2 processes of 1 program; 1 test cannot run\n"
            "time: at least 2.00 s (the times of 1 of 3 tests are known)\n"
            "order: declared\n"
            "nodes: cluster lab of ./lab.yaml\n"
            "\n"
            "kvd  bin/kvd_tests  server 2\n"
            "  process 1  KvTest  server 2  at least 2.00 s (the times of 1 of 2 tests are known)\n"
            "    2.00 s  KvTest.Heals\n"
            "         ?  KvTest.Writes\n"
            "  process 2  RaftTest  server 5  unknown\n"
            "         -  RaftTest.Elects\n"
            "              cannot run: needs 5 nodes of role \"server\", cluster \"lab\" has 2\n"
            "         ?  RaftTest.Cuts\n"
            "              disruptive\n"
            "\n"
            "disabled, and not run:\n"
            "  kvd/RaftTest.DISABLED_Old\n"
            "\n"
            "note: whether the nodes can bear what tests need is found out when these run: "
            "power\n");
}

TEST_F(DryRunTest, NothingRunsAndNothingIsMade) {
  EXPECT_EQ(plan({"KvTest.Writes", "--report-dir", "reports"}).status, 0);
  EXPECT_FALSE(fs::exists("muster-runs"));
  EXPECT_FALSE(fs::exists("reports"));
  std::string calls = readFile("bin/kvd_tests.calls");
  EXPECT_EQ(std::count(calls.begin(), calls.end(), '\n'), 1) << calls;
  EXPECT_THAT(calls, HasSubstr("--gtest_list_tests"));
}

TEST_F(DryRunTest, StatusSaysThatNothingCanRun) {
  EXPECT_EQ(plan({"RaftTest.Elects", "--cluster", "./lab.yaml"}).status, 3);
  EXPECT_EQ(plan({"RaftTest.DISABLED_Old"}).status, 3);
  EXPECT_EQ(plan({"KvTest.Heels"}).status, 64);
}

TEST_F(DryRunTest, WaiversAreShownAtTheirTestsAndUselessOnesBelow) {
  Ended ended = plan({"--cluster", "./lab.yaml", "--waivers", "waivers.yaml"});
  EXPECT_THAT(
      ended.output,
      AllOf(HasSubstr("waived until 2999-01-01 (GH-7: heals slowly; jo) where kernel >= 6.1"),
            HasSubstr("quarantined until 2999-01-01 (moves; al)\n"),
            HasSubstr("waivers.yaml:4 (was slow) expired on 2020-01-01"),
            HasSubstr("waivers.yaml:5 (not here) meets no test of this run")));
}

TEST_F(DryRunTest, WhatDoesNotRunBeforeATestIsSaid) {
  tests_[3]["after"] = {"KvTest", "RaftTest.DISABLED_Old"};
  Ended ended = plan({"RaftTest.Cuts"});
  EXPECT_THAT(ended.output,
              HasSubstr("comes after kvd/KvTest.Heals and 2 others, which are not selected\n"));
  ended = plan({"RaftTest"});
  EXPECT_THAT(ended.output,
              AllOf(HasSubstr("comes after kvd/RaftTest.DISABLED_Old, which is disabled\n"),
                    HasSubstr("comes after kvd/KvTest.Heals and 1 other, which are not")));
}

TEST_F(DryRunTest, GatesAndLimitsThatWillNotHoldAreSaid) {
  addRun("20261201T020000Z-aaaaaa", "Heals", 90);
  Ended ended = plan({"KvTest", "--cluster", "./lab.yaml", "--min-tests", "3", "--run-time-limit",
                      "1m", "--repeat", "2"});
  EXPECT_THAT(
      ended.output,
      AllOf(HasSubstr("1 process of 1 program, 2 times\ntime: at least 3m00s"),
            HasSubstr("note: gate: 2 tests can run, and at least 3 must\n"),
            HasSubstr("note: --run-time-limit is 1m00s, and the tests take at least 3m00s")));
}

TEST_F(DryRunTest, ClusterThatCannotBeHadIsAnObstacleOnlyToTestsOfNodes) {
  Ended ended = plan({"KvTest", "--cluster", "no-such-cluster"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_THAT(ended.output, AllOf(HasSubstr("1 test cannot run"), HasSubstr("no-such-cluster")));
  EXPECT_EQ(plan({"KvTest.Heals", "--cluster", "no-such-cluster"}).status, 3);
}

TEST_F(DryRunTest, JsonHasTheSame) {
  addRun("20261201T020000Z-aaaaaa", "Heals", 2);
  Ended ended = plan({"--json", "--cluster", "./lab.yaml", "--order", "longest"});
  Json json = Json::parse(ended.output);
  EXPECT_EQ(json["tests"], 4);
  EXPECT_EQ(json["can_run"], 3);
  EXPECT_EQ(json["times_known"], 1);
  EXPECT_EQ(json["seconds"], 2.0);
  EXPECT_EQ(json["order"], "longest");
  EXPECT_EQ(json["disabled"], Json({"kvd/RaftTest.DISABLED_Old"}));
  Json first = json["programs"][0]["processes"][0];
  EXPECT_EQ(first["needs"]["server"], 5);
  EXPECT_EQ(first["tests"][0]["test"], "kvd/RaftTest.Elects");
  EXPECT_EQ(first["tests"][0]["seconds"], nullptr);
  EXPECT_THAT(first["tests"][0]["cannot_run"].get<std::string>(), HasSubstr("has 2"));
}

TEST_F(DryRunTest, OrderByTheHistoryNeedsOne) {
  Ended ended = plan({"KvTest.Writes", "--order", "longest"});
  EXPECT_THAT(ended.errors, HasSubstr("there are no runs in ./muster-runs; the order is as "
                                      "declared"));
}

TEST(NodeProspectTest, MadeNodesHaveOnlySomeCapabilities) {
  ::unsetenv("MUSTER_CLUSTER");
  NodeProspect nodes("");
  selection::ListedNeeds needs{.nodes = {{"server", 1}}, .capabilities = {"mknod"}};
  EXPECT_EQ(nodes.whyUnmet(needs), "");
  needs.capabilities.emplace_back("sys_boot");
  EXPECT_THAT(nodes.whyUnmet(needs), HasSubstr("needs capability sys_boot"));
  EXPECT_THAT(nodes.unknownOf(needs), testing::IsEmpty());
}

}  // namespace
}  // namespace harness
