// Until when a call may take that was made now.
#include "harness/api/request.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/deadline.h>

#include "harness/cluster/run_id.h"

namespace harness {
namespace {

using namespace std::chrono_literals;
using muster::DeadlineScope;

constexpr auto kOverrunMax = 250ms;

SteadyTime now() {
  return std::chrono::steady_clock::now();
}

TEST(RequestTest, CallEndsWithItsOwnDeadlineWhateverTheGrace) {
  DeadlineScope scope(1h);
  JobRequest request = requestOf({"true"}, {.deadline = 3s, .grace = 1min}, "n1");
  SteadyTime end = endOf(request);
  EXPECT_LT(end, now() + 3s + kOverrunMax);
}

TEST(RequestTest, CallEndsWithTheScopeIfThatIsShorter) {
  DeadlineScope scope(2s);
  JobRequest request = requestOf({"true"}, {.deadline = 1min, .grace = 1min}, "n1");
  EXPECT_LE(*request.options.deadline, 2s);
  EXPECT_LT(endOf(request), DeadlineScope::current() + kOverrunMax);
}

TEST(RequestTest, DetachedCommandsHaveNoDeadlineAndTheirCallsDo) {
  DeadlineScope scope(2s);
  JobRequest request = requestOf({"true"}, {.lifetime = muster::CommandLifetime::kDetached}, "n1");
  EXPECT_EQ(*request.options.deadline, std::chrono::nanoseconds::max());
  EXPECT_LT(endOf(request), DeadlineScope::current() + kOverrunMax);
}

// A run directory, and results whose output is kept in it or not.
class KeepLogTest : public testing::Test {
 protected:
  KeepLogTest() {
    char pattern[] = "/tmp/muster-logs-XXXXXX";
    directory_ = mkdtemp(pattern);
    setenv(kRunDirectoryVariable, directory_.c_str(), 1);
  }
  ~KeepLogTest() override {
    unsetenv(kRunDirectoryVariable);
    std::filesystem::remove_all(directory_);
  }

  static muster::Result failedWith(const std::string& out) {
    muster::Result result;
    result.node = "n1";
    result.argv = {"sh"};
    result.outcome = muster::Outcome::exited(1);
    result.out = out;
    return result;
  }

  const std::string long_ = std::string(5000, 'x') + "\xff\0end";
  std::string directory_;
};

TEST_F(KeepLogTest, OutputThatTheTextCutsIsInAFileThatTheTextNames) {
  muster::Result result = failedWith(long_);
  keepLog(result);
  EXPECT_THAT(
      result.logPath,
      testing::MatchesRegex(directory_ + "/[a-z_]+/KeepLogTest.OutputThat.*/n1/run-[0-9]{4}.log"));
  EXPECT_THAT(describe(result), testing::EndsWith("full output: " + result.logPath));
  std::ifstream file(result.logPath, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(content, testing::HasSubstr("exited with status 1"));
  EXPECT_THAT(content, testing::HasSubstr("\n--- stdout\n" + long_ + "\n--- stderr\n"));
}

TEST_F(KeepLogTest, NothingIsWrittenThatTheTextShows) {
  muster::Result shown = failedWith("all of it\n");
  keepLog(shown);
  muster::Result succeeded = failedWith(long_);
  succeeded.outcome = muster::Outcome::exited(0);
  keepLog(succeeded);
  EXPECT_EQ(shown.logPath + succeeded.logPath, "");
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(KeepLogTest, OutputThatIsTooLargeDoesNotKeepOutWhatFollows) {
  muster::Result large = failedWith(std::string(size_t{257} << 20, 'x'));
  testing::internal::CaptureStderr();
  keepLog(large);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("its 257 MiB"));
  EXPECT_EQ(large.logPath, "");
  muster::Result next = failedWith(long_);
  keepLog(next);
  EXPECT_NE(next.logPath, "");
}

TEST_F(KeepLogTest, EveryResultHasItsOwnFileAndTheyAreBounded) {
  muster::Result result = failedWith(long_);
  keepLog(result);
  std::string first = result.logPath;
  testing::internal::CaptureStderr();
  for (int i = 0; i < 1100; ++i) keepLog(result = failedWith(long_));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::HasSubstr("there are 1000 files already"));
  EXPECT_NE(first, result.logPath);
  EXPECT_EQ(result.logPath, "");
  auto all = std::filesystem::recursive_directory_iterator(directory_);
  EXPECT_LE(std::distance(begin(all), end(all)), 1000 + 3);
}

}  // namespace
}  // namespace harness
