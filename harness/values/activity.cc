#include "harness/values/activity.h"

#include <atomic>
#include <utility>

namespace harness {
namespace {

// There is one record for a process, as there is one run of tests.
std::atomic<ActivityListener*> theListener = nullptr;

thread_local int unlistedDepth = 0;

}  // namespace

void setActivityListener(ActivityListener* listener) {
  theListener = listener;
}

bool isListened() {
  return unlistedDepth == 0 && theListener.load(std::memory_order_relaxed) != nullptr;
}

Activity::Activity(const ActivityStart& start) {
  ActivityListener* listener = theListener;
  if (listener != nullptr && unlistedDepth == 0) id_ = listener->begin(start);
}

Activity::Activity(Activity&& other) noexcept : id_(std::exchange(other.id_, 0)) {}

Activity& Activity::operator=(Activity&& other) noexcept {
  if (this == &other) return *this;
  end({});
  id_ = std::exchange(other.id_, 0);
  return *this;
}

Activity::~Activity() {
  end({});
}

void Activity::end(const ActivityEnd& end) {
  uint64_t id = std::exchange(id_, 0);
  ActivityListener* listener = theListener;
  if (id != 0 && listener != nullptr) listener->end(id, end);
}

Unlisted::Unlisted() {
  ++unlistedDepth;
}

Unlisted::~Unlisted() {
  --unlistedDepth;
}

}  // namespace harness
