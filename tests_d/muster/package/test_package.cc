// Installs Muster into an empty directory, and builds and runs tests_d/muster/package/consumer
// against it.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/support/shell.h"

namespace {

using muster_tests::ShellResult;

ShellResult run(const std::string& command) {
  return muster_tests::runShell(command, std::chrono::minutes(2));
}

class PackageTest : public testing::Test {
 protected:
  PackageTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "muster-package-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~PackageTest() override { std::filesystem::remove_all(directory_); }

  std::string directory_;
};

TEST_F(PackageTest, OtherProjectFindsBuildsAndRuns) {
  ShellResult install =
      run(CMAKE_PROGRAM " --install " MUSTER_BINARY_DIR " --prefix " + directory_ + "/prefix");
  ASSERT_EQ(install.exitStatus, 0) << install.output;

  ShellResult configure = run(CMAKE_PROGRAM " -G Ninja -S " CONSUMER_DIR " -B " + directory_ +
                              "/build -DCMAKE_PREFIX_PATH=" + directory_ + "/prefix");
  ASSERT_EQ(configure.exitStatus, 0) << configure.output;

  ShellResult build = run(CMAKE_PROGRAM " --build " + directory_ + "/build");
  ASSERT_EQ(build.exitStatus, 0) << build.output;

  ShellResult list = run(CTEST_PROGRAM " --test-dir " + directory_ + "/build -N -L hello");
  EXPECT_EQ(list.exitStatus, 0) << list.output;
  EXPECT_THAT(list.output, testing::HasSubstr("hello.HelloTest.NodeAnswers"));

  ShellResult options = run(directory_ + "/build/options/options_tests");
  EXPECT_EQ(options.exitStatus, 0) << options.output;

  // The package for Python finds the program of its own prefix.
  ShellResult python = run("PATH=/usr/bin:/bin PYTHONPATH=" + directory_ +
                           "/prefix/share/muster/python python3 -B -c 'import muster.testing; "
                           "print(muster._program.find_program())'");
  EXPECT_EQ(python.output, directory_ + "/prefix/bin/muster\n");

  if (geteuid() != 0) GTEST_SKIP() << "nodes of this machine need root";
  // No PATH leads to the agent and the hub: the program itself knows the prefix.
  ShellResult test = run("PATH=/nonexistent " + directory_ + "/build/hello/hello_tests");
  EXPECT_EQ(test.exitStatus, 0) << test.output;
  EXPECT_THAT(test.output, testing::HasSubstr("[  PASSED  ] 1 test."));
}

}  // namespace
