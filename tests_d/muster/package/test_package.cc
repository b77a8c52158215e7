// Installs Muster into an empty directory, and builds and runs tests_d/muster/package/consumer
// against it.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

struct Ran {
  int exitStatus;
  std::string output;
};

// Runs a shell command for at most two minutes.
Ran run(const std::string& command) {
  Ran ran{-1, ""};
  FILE* pipe = popen(("timeout 120 sh -c '" + command + "' 2>&1").c_str(), "r");
  if (!pipe) return ran;
  char buffer[4096];
  while (size_t count = fread(buffer, 1, sizeof buffer, pipe)) ran.output.append(buffer, count);
  int status = pclose(pipe);
  ran.exitStatus = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
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
  Ran install =
      run(CMAKE_PROGRAM " --install " MUSTER_BINARY_DIR " --prefix " + directory_ + "/prefix");
  ASSERT_EQ(install.exitStatus, 0) << install.output;

  Ran configure = run(CMAKE_PROGRAM " -G Ninja -S " CONSUMER_DIR " -B " + directory_ +
                      "/build -DCMAKE_PREFIX_PATH=" + directory_ + "/prefix");
  ASSERT_EQ(configure.exitStatus, 0) << configure.output;

  Ran build = run(CMAKE_PROGRAM " --build " + directory_ + "/build");
  ASSERT_EQ(build.exitStatus, 0) << build.output;

  Ran list = run(directory_ + "/build/consumer_tests --gtest_list_tests");
  EXPECT_EQ(list.exitStatus, 0) << list.output;
  EXPECT_THAT(list.output, testing::HasSubstr("NodeAnswers"));

  if (geteuid() != 0) GTEST_SKIP() << "nodes of this machine need root";
  Ran test =
      run("PATH=" + directory_ + "/prefix/bin:$PATH " + directory_ + "/build/consumer_tests");
  EXPECT_EQ(test.exitStatus, 0) << test.output;
  EXPECT_THAT(test.output, testing::HasSubstr("[  PASSED  ] 1 test."));
}

}  // namespace
