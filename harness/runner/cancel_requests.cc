#include "harness/runner/cancel_requests.h"

#include <filesystem>

#include "harness/os/files.h"
#include "schema/support/base/id.h"
#include "schema/support/base/text.h"

namespace harness::runner {
namespace {

constexpr char kDirectory[] = "/cancel";
constexpr std::chrono::milliseconds kLookEvery{200};

// That of an id in hexadecimal digits.
constexpr size_t kNameLength = 32;

}  // namespace

// The first line names the test, and the second one tells why.
std::string requestCancel(const std::string& runDirectory, const std::string& test,
                          const std::string& because) {
  makeDirectories(runDirectory + kDirectory);
  std::string path = runDirectory + kDirectory + "/" + support::Id::random().text();
  putFile(path, test + "\n" + support::printable(because) + "\n", 0644);
  return path;
}

bool isWaiting(const std::string& request) {
  std::error_code ignored;
  return std::filesystem::exists(request, ignored);
}

CancelRequests::CancelRequests(const std::string& runDirectory)
    : directory_(runDirectory + kDirectory) {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void CancelRequests::look() {
  auto now = std::chrono::steady_clock::now();
  if (now - looked_ < kLookEvery) return;
  looked_ = now;
  for (const std::string& name : namesIn(directory_)) {
    // A file that is still being written has a longer name.
    if (name.size() != kNameLength) continue;
    std::string path = directory_ + "/" + name;
    std::string text = readIfPresent(path);
    size_t end = text.find('\n');
    if (end == std::string::npos) continue;
    std::string test = text.substr(0, end);
    reason_ = "cancelled: " + text.substr(end + 1, text.find('\n', end + 1) - end - 1);
    if (test.empty()) {
      isWholeRun_ = true;
    } else {
      tests_.insert(test);
    }
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
}

std::string CancelRequests::reasonFor(const std::string& test) {
  look();
  if (isWholeRun_ || tests_.erase(test) > 0) return reason_;
  return "";
}

}  // namespace harness::runner
