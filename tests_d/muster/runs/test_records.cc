// What `muster run` records of tests on real nodes, and how long it keeps these.
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/support/shell.h"

namespace runs {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

constexpr std::chrono::seconds kRunMax{150};

// Runs samples, which are tests of a program of this build.
class SampleRunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "nodes of this machine need root";
    char path[] = "/tmp/muster-samples-XXXXXX";
    directory_ = mkdtemp(path);
    fs::path programs = fs::read_symlink("/proc/self/exe").parent_path();
    muster_ = programs / "muster";
    fs::create_directory(directory_ + "/bin");
    // A program finds others beside the file that it is.
    fs::create_symlink(programs / "example_tests", directory_ + "/bin/example_tests");
  }
  void TearDown() override {
    if (!directory_.empty()) fs::remove_all(directory_);
  }

  muster_tests::ShellResult run(const std::string& tests) const {
    return muster_tests::runShell(
        "cd " + directory_ +
            "; unset MUSTER_RUN_DIR MUSTER_RUN_ID MUSTER_RECORD_OF MUSTER_CLUSTER "
            "MUSTER_PROGRAM_TIME; " +
            muster_ + " run --bin-dir bin " + tests,
        kRunMax);
  }

  // What a report of the latest run says.
  std::string report(const std::string& words) const {
    return muster_tests::runShell("cd " + directory_ + "; " + muster_ + " " + words, kRunMax)
        .output;
  }

  std::string record(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(directory_ + "/muster-runs/latest/records/" + name + ".jsonl").rdbuf();
    return text.str();
  }

  std::string directory_;
  std::string muster_;
};

TEST_F(SampleRunTest, NodesAreMadeOnceForAllSuites) {
  auto ended = run("CommandSample.PrintsAndSucceeds ProcessSample.SignalsReachIt");
  ASSERT_EQ(ended.exitStatus, 0) << ended.output;
  const std::string made = "muster: made cluster ";
  size_t first = ended.output.find(made);
  ASSERT_NE(first, std::string::npos) << ended.output;
  EXPECT_EQ(ended.output.find(made, first + 1), std::string::npos) << ended.output;
  std::string name = ended.output.substr(first + made.size());
  name.resize(name.find(' '));
  EXPECT_FALSE(fs::exists("/run/muster/" + name));
}

// The nodes of a test that never ends were looked at, and what hangs is known.
TEST_F(SampleRunTest, TestThatHangsOnNodesLeavesItsLastLookAndItsThreads) {
  fs::path programs = fs::path(muster_).parent_path();
  fs::create_symlink(programs / "muster-test-broken", directory_ + "/bin/broken_tests");
  auto ended = run("HangsWithNodes.InALoop --suite-time-limit 4s");
  EXPECT_EQ(ended.exitStatus, 1) << ended.output;
  EXPECT_THAT(ended.output, AllOf(HasSubstr("turn() at tests_d/muster/runs/programs/"),
                                  HasSubstr("the last look at the nodes: ")));
  EXPECT_THAT(report("report --format json"),
              AllOf(HasSubstr("/HangsWithNodes.InALoop/last-look.txt\""), HasSubstr("turn() at")));
}

// What a node of this machine has is what the machine has.
TEST_F(SampleRunTest, VersionsOfTheProductAreRecordedOfEachNode) {
  std::ofstream(directory_ + "/c.yaml") << "provisioner: local\nnodes:\n"
                                           "  server[1-3]: {role: server}\n"
                                           "  client1: {role: client}\n"
                                           "packages: [bash, no-such-package]\n";
  auto ended = run("CommandSample.PrintsAndSucceeds --cluster c.yaml");
  ASSERT_EQ(ended.exitStatus, 0) << ended.output;
  EXPECT_THAT(record("example_tests-1"),
              AllOf(ContainsRegex("\"kind\":\"node\".*\"product\":\\{\"bash\":\"[0-9][^\"]*\"\\}"),
                    Not(HasSubstr("no-such-package\":"))));
  EXPECT_THAT(report("report --format junit"),
              ContainsRegex("name=\"server1.bash\" value=\"[0-9]"));
  EXPECT_THAT(report("show latest"), ContainsRegex("product: bash [0-9]"));
  EXPECT_THAT(report("report --format json"), ContainsRegex("\"bash\": \"[0-9]"));
}

TEST_F(SampleRunTest, FaultsCommandsAndClocksAreRecorded) {
  ASSERT_EQ(run("FaultSample.IsolatedServerIsAlone").exitStatus, 0);
  EXPECT_THAT(record("example_tests-1"),
              AllOf(ContainsRegex("\"kind\":\"fault\".*\"nodes\":.*\"text\":\"isolate server"),
                    ContainsRegex("\"argv\":\\[.*\"kind\":\"command\".*\"node\":"),
                    HasSubstr("\"what\":\"clock\""), HasSubstr("\"kernel\":")));
}

}  // namespace
}  // namespace runs
