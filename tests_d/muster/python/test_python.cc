// Runs the modules of unittest in this directory, and the sample in Python, on local nodes.
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/support/shell.h"

namespace {

namespace fs = std::filesystem;
using muster_tests::ShellResult;

constexpr std::chrono::seconds kModuleMax{240};

std::string contentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The scripts that are run, by their paths below the source tree.
std::vector<std::string> modules() {
  std::vector<std::string> found = {"tests_d/example/test_sample19_python.py"};
  for (const auto& entry : fs::directory_iterator(MUSTER_SOURCE_DIR "/tests_d/muster/python")) {
    std::string name = entry.path().filename();
    if (name.ends_with("_case.py")) found.push_back("tests_d/muster/python/" + name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Has a cluster file, and runs scripts that make its cluster.
class ScriptTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "local nodes need root";
    cluster_ = "y" + std::to_string(::getpid());
    directory_ = "/tmp/muster-" + cluster_;
    fs::create_directory(directory_);
    file_ = directory_ + "/" + cluster_ + ".yaml";
    std::ofstream(file_) << "provisioner: local\nnodes:\n  server[1-3]: {role: server}\n"
                            "  client1: {role: client}\n";
  }
  void TearDown() override {
    if (directory_.empty()) return;
    EXPECT_EQ(leftovers(), "");
    fs::remove_all(directory_);
  }

  // Runs a script with this build's package and programs, and with a run of its own.
  ShellResult run(const std::string& script) const {
    fs::path programs = fs::read_symlink("/proc/self/exe").parent_path();
    return muster_tests::runShell(
        "cd " MUSTER_SOURCE_DIR " && PYTHONPATH=" MUSTER_SOURCE_DIR
        "/harness/python MUSTER_BIN_DIR=" +
            programs.string() + " MUSTER_CLUSTER=" + file_ + " MUSTER_RUN_ID=" + cluster_ +
            " exec " PYTHON_PROGRAM " -B -W error::ResourceWarning " + script + " -v",
        kModuleMax);
  }

  // Names the clusters and processes of the run that are still there.
  std::string leftovers() const {
    std::string found;
    for (const char* root : {"/run/muster", "/var/lib/muster"}) {
      if (!fs::exists(root)) continue;
      for (const auto& entry : fs::directory_iterator(root)) {
        bool isOurs = entry.path().filename().string().starts_with(cluster_);
        if (isOurs) found += entry.path().string() + "\n";
      }
    }
    for (const auto& process : fs::directory_iterator("/proc")) {
      std::string environment = contentOf(process.path() / "environ");
      bool isOurs = environment.find("MUSTER_RUN_ID=" + cluster_) != std::string::npos;
      if (isOurs) found += contentOf(process.path() / "cmdline") + "\n";
    }
    return found;
  }

  std::string cluster_;
  std::string directory_;
  std::string file_;
};

class PythonTest : public ScriptTest, public ::testing::WithParamInterface<std::string> {};

TEST_P(PythonTest, ModulePassesAndLeavesNothing) {
  ShellResult ended = run(GetParam());
  EXPECT_EQ(ended.exitStatus, 0) << ended.output;
  std::smatch count;
  ASSERT_TRUE(std::regex_search(ended.output, count, std::regex("Ran ([0-9]+) tests? in")))
      << ended.output;
  EXPECT_GT(std::stoi(count[1].str()), 0) << "no test of Python ran:\n" << ended.output;
  EXPECT_THAT(ended.output, ::testing::Not(::testing::HasSubstr("skipped"))) << ended.output;
}

// "tests_d/muster/python/files_case.py" is FilesCase.
std::string nameOf(const std::string& path) {
  std::string name;
  bool isBegin = true;
  for (char letter : fs::path(path).stem().string()) {
    bool isPart = std::isalnum(static_cast<unsigned char>(letter)) != 0;
    if (isPart) name += isBegin ? static_cast<char>(std::toupper(letter)) : letter;
    isBegin = !isPart;
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Modules, PythonTest, ::testing::ValuesIn(modules()),
                         [](const auto& tested) { return nameOf(tested.param); });

// What the guards of PythonTest rely on.
TEST_F(ScriptTest, ModulesWithoutTestsAndWithFailuresAreSeen) {
  std::ofstream(directory_ + "/empty.py") << "import unittest\nunittest.main()\n";
  EXPECT_THAT(run(directory_ + "/empty.py").output, ::testing::HasSubstr("Ran 0 tests"));
  std::ofstream(directory_ + "/fails.py")
      << "import unittest\nclass T(unittest.TestCase):\n  def test(self): self.fail('so')\n"
         "unittest.main()\n";
  EXPECT_EQ(run(directory_ + "/fails.py").exitStatus, 1);
}

}  // namespace
