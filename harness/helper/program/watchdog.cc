#include "harness/helper/program/watchdog.h"

#include <unistd.h>

#include <cstdio>

namespace harness {

Watchdog::~Watchdog() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    isOver_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Watchdog::begin(const std::string& name, Time deadline) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    name_ = name;
    deadline_ = deadline + kMargin;
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { watch(); });
  changed_.notify_one();
}

void Watchdog::end() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    deadline_.reset();
  }
  changed_.notify_one();
}

void Watchdog::watch() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!isOver_) {
    if (!deadline_) {
      changed_.wait(lock);
    } else if (std::chrono::steady_clock::now() < *deadline_) {
      changed_.wait_until(lock, *deadline_);
    } else {
      std::fprintf(stderr, "muster_helper: %s ran beyond its deadline; the helper ends\n",
                   name_.c_str());
      // No destructor runs while the function still does.
      ::_exit(kExitStatus);
    }
  }
}

}  // namespace harness
