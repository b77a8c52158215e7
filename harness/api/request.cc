#include "harness/api/request.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <limits>

#include <gtest/gtest.h>

#include <muster/deadline.h>
#include <muster/node_error.h>

#include "harness/cluster/run_id.h"
#include "harness/values/cancellation.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

constexpr std::chrono::nanoseconds kNoDeadline{std::numeric_limits<int64_t>::max()};

constexpr size_t kLabelBytesMax = 256;

std::string testName() {
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  if (!test) return "outside-of-tests";
  std::string name = std::string(test->test_suite_name()) + "." + test->name();
  std::replace(name.begin(), name.end(), '/', '-');
  return name;
}

}  // namespace

JobRequest requestOf(const muster::Argv& argv, const muster::RunOptions& options,
                     const std::string& node) {
  JobRequest request;
  request.argv = argv;
  request.options = options;
  request.options.labels.emplace("test", testName().substr(0, kLabelBytesMax));
  if (options.lifetime == muster::CommandLifetime::kDetached) {
    request.options.deadline = options.deadline.value_or(kNoDeadline);
    return request;
  }
  std::chrono::nanoseconds left = muster::DeadlineScope::remaining();
  if (std::string reason = scopesCancelledBy(); !reason.empty()) {
    throw muster::NodeError(muster::NodeError::Kind::kCancelled, node, "run " + argvText(argv),
                            reason);
  }
  if (left.count() == 0) {
    throw muster::NodeError(muster::NodeError::Kind::kTimeout, node, "run " + argvText(argv),
                            "not begun: the time of the test or of the enclosing scope is over");
  }
  request.options.deadline = std::min(options.deadline.value_or(left), left);
  return request;
}

JobRequest unboundedRequestOf(const muster::Argv& argv, const muster::RunOptions& options,
                              const std::string& node) {
  JobRequest request = requestOf(argv, options, node);
  request.options.deadline = options.deadline.value_or(kNoDeadline);
  return request;
}

SteadyTime endOf(const JobRequest& request) {
  auto deadline = std::min<std::chrono::nanoseconds>(*request.options.deadline,
                                                     muster::DeadlineScope::remaining());
  return std::chrono::steady_clock::now() + deadline + kReportMargin;
}

namespace {

// Bounds for one program: a test that polls for hours must not fill the disk.
constexpr unsigned kLogsMax = 1000;
constexpr uint64_t kLogBytesMax = uint64_t{256} << 20;

// Reports why the output of a failed command is not kept, once for each kind of reason.
void complainOfLogs(std::atomic_flag& told, const std::string& reason) {
  if (told.test_and_set()) return;
  std::cerr << "muster: the output of a failed command is not kept: " << reason
            << "; nor is that of others like it\n";
}

// Counts the bytes of a log. Returns false, and counts nothing, if they are too many beside those
// that are there.
bool countLog(uint64_t bytes) {
  static std::atomic_flag told = ATOMIC_FLAG_INIT;
  static std::atomic<uint64_t> all{0};
  if ((all += bytes) <= kLogBytesMax) return true;
  all -= bytes;
  complainOfLogs(told, "its " + std::to_string(bytes >> 20) +
                           " MiB and those of earlier ones are over " +
                           std::to_string(kLogBytesMax >> 20) + " MiB");
  return false;
}

// Makes a file of a name that is new, and returns its path; empty if that is not possible.
std::string writeLog(const std::filesystem::path& directory, const std::string& content) {
  // Counts the logs of this process, so that no two have one name.
  static std::atomic<unsigned> logs{0};
  static std::atomic_flag told = ATOMIC_FLAG_INIT;
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  for (unsigned number = ++logs; number <= kLogsMax; number = ++logs) {
    char name[32];
    std::snprintf(name, sizeof name, "run-%04u.log", number);
    std::string path = (directory / name).string();
    // An earlier program of this name may have been given the same directory.
    std::FILE* file = std::fopen(path.c_str(), "wbx");
    if (!file && errno == EEXIST) continue;
    bool written = file && std::fwrite(content.data(), 1, content.size(), file) == content.size();
    if (file && std::fclose(file) != 0) written = false;
    if (written) return path;
    std::string reason = std::strerror(errno);
    if (file) std::remove(path.c_str());
    complainOfLogs(told, "write " + inQuotes(path) + ": " + reason);
    return "";
  }
  complainOfLogs(told, "there are " + std::to_string(kLogsMax) + " files already");
  return "";
}

}  // namespace

void keepLog(muster::Result& result) {
  if (result.succeeded() || showsAll(result)) return;
  const char* directory = std::getenv(kRunDirectoryVariable);
  if (!directory || !*directory) return;
  std::string content =
      describe(result) + "\n--- stdout\n" + result.out + "\n--- stderr\n" + result.err;
  if (!result.order.empty()) content += "\n--- both, as they were read\n" + result.merged();
  if (!countLog(content.size())) return;
  result.logPath = writeLog(
      std::filesystem::path(directory) / program_invocation_short_name / testName() / result.node,
      content);
}

}  // namespace harness
