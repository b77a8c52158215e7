// Takes requests to cancel a run or one test of it from other processes: each is a file in the
// directory of the run, so that whoever may write there may cancel.
#pragma once

#include <chrono>
#include <set>
#include <string>

namespace harness::runner {

// Asks the runner of a run to cancel it, or the test COMPONENT/SUITE.NAME. Returns what
// isWaiting() is given. Throws SystemError.
std::string requestCancel(const std::string& runDirectory, const std::string& test,
                          const std::string& because);

// Tells whether the runner has not taken the request yet.
bool isWaiting(const std::string& request);

class CancelRequests {
 public:
  // What was asked of an earlier runner in this directory is removed.
  explicit CancelRequests(const std::string& runDirectory);

  // Returns why the test is to be cancelled, and with the empty name the run. Empty: it is not.
  // Each request for a test is told once. Looks at the directory a few times a second at most.
  std::string reasonFor(const std::string& test);

  bool isWholeRun() const { return isWholeRun_; }

 private:
  void look();

  std::string directory_;
  std::chrono::steady_clock::time_point looked_;
  std::set<std::string> tests_;
  std::string reason_;
  bool isWholeRun_ = false;
};

}  // namespace harness::runner
