// Tells a listener what the program does on its nodes, as it does it: commands, other calls, faults
// and waits. The record of a run is made of it. It changes nothing of what is done.
//
//   Activity activity({.kind = Activity::kCall, .nodes = {"server1"}, .text = "stat /etc/kvd"});
//   …
//   activity.end({});
//
// Things to get right:
//   * Without a listener nothing is made, so that a call costs a load and a branch.
//   * What the harness does for itself, such as looking for crashes, is none of the test's: hold an
//     Unlisted meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <muster/node_error.h>
#include <muster/result.h>

namespace harness {

struct ActivityStart {
  // "command", "call", "fault" or "wait", as records have it.
  const char* kind = "call";
  std::vector<std::string> nodes = {};
  std::string text = {};

  // That of a command.
  std::vector<std::string> argv = {};
};

struct ActivityEnd {
  // That of a command whose end is known. Borrowed for the call.
  const muster::Result* result = nullptr;

  // Why there is no answer. Empty: there is one.
  std::string error = {};
};

// Its calls come from any thread, and throw nothing.
class ActivityListener {
 public:
  virtual ~ActivityListener() = default;

  // Returns what end() is given. 0: the listener does not want to hear of its end.
  virtual uint64_t begin(const ActivityStart& start) noexcept = 0;
  virtual void end(uint64_t id, const ActivityEnd& end) noexcept = 0;
};

// Null: nobody listens, which is so at first. Borrowed until the next call.
void setActivityListener(ActivityListener* listener);

// Tells whether what this thread does is listened to.
bool isListened();

// Something that is done. Its destruction tells the end, if nobody has.
class Activity {
 public:
  // Nothing is done, and nothing is told.
  Activity() = default;
  explicit Activity(const ActivityStart& start);
  Activity(Activity&& other) noexcept;
  Activity& operator=(Activity&& other) noexcept;
  ~Activity();

  void end(const ActivityEnd& end);
  bool isOpen() const { return id_ != 0; }

 private:
  uint64_t id_ = 0;
};

// While it lives, what its thread does is not told.
class Unlisted {
 public:
  Unlisted();
  ~Unlisted();
  Unlisted(const Unlisted&) = delete;
  Unlisted& operator=(const Unlisted&) = delete;
};

// Makes a call and tells of it. `start` is called only if somebody listens.
template <typename Start, typename Call>
auto listed(Start&& start, Call&& call) {
  if (!isListened()) return call();
  Activity activity(start());
  try {
    auto value = call();
    activity.end({});
    return value;
  } catch (const std::exception& error) {
    activity.end({.error = error.what()});
    throw;
  }
}

}  // namespace harness
