#include "harness/api/request.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>

#include <gtest/gtest.h>

#include <muster/deadline.h>
#include <muster/node_error.h>

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
  if (left.count() == 0) {
    throw muster::NodeError(muster::NodeError::Kind::kTimeout, node, "run " + argvText(argv),
                            "not begun: the time of the test or of the enclosing scope is over");
  }
  request.options.deadline = std::min(options.deadline.value_or(left), left);
  return request;
}

SteadyTime endOf(const JobRequest& request) {
  auto deadline = std::min<std::chrono::nanoseconds>(*request.options.deadline,
                                                     muster::DeadlineScope::remaining());
  return std::chrono::steady_clock::now() + deadline + kReportMargin;
}

void keepLog(muster::Result& result) {
  // Counts the logs of this process, so that no two have one name.
  static std::atomic<unsigned> logs{0};
  const char* directory = std::getenv("MUSTER_RUN_DIR");
  if (!directory || !*directory) return;
  char name[32];
  std::snprintf(name, sizeof name, "run-%04u.log", ++logs);
  auto path = std::filesystem::path(directory) / testName() / result.node;
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  std::ofstream file(path / name, std::ios::binary);
  file << describe(result) << "\n--- stdout\n" << result.out << "\n--- stderr\n" << result.err;
  file.close();
  if (file) {
    result.logPath = (path / name).string();
  } else if (logs == 1) {
    std::cerr << "muster: cannot write " << quoted((path / name).string()) << "\n";
  }
}

}  // namespace harness
