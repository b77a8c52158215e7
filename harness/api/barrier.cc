#include <algorithm>
#include <ostream>
#include <utility>

#include <muster/barrier.h>
#include <muster/deadline.h>

#include "harness/api/call_site.h"
#include "harness/rpc/sync/sync.h"
#include "harness/values/failure_text.h"

namespace muster {

using harness::at;

Barrier::Barrier(harness::rpc::Sync& sync, std::string name)
    : sync_(&sync), name_(std::move(name)) {}

Barrier::~Barrier() {
  end();
}

Barrier::Barrier(Barrier&& other) noexcept
    : sync_(std::exchange(other.sync_, nullptr)), name_(std::move(other.name_)) {}

Barrier& Barrier::operator=(Barrier&& other) noexcept {
  if (this == &other) return *this;
  end();
  sync_ = std::exchange(other.sync_, nullptr);
  name_ = std::move(other.name_);
  return *this;
}

void Barrier::end() noexcept {
  if (sync_ != nullptr) sync_->undeclare(name_);
  sync_ = nullptr;
}

void Barrier::wait(Where where) {
  wait(std::chrono::nanoseconds::max(), where);
}

void Barrier::wait(std::chrono::nanoseconds within, Where where) {
  harness::atWithin(where, within, [&] {
    SteadyTime until = harness::waitEnd(within);
    sync_->arrive(name_, until, std::min(harness::waitTime(within), DeadlineScope::remaining()));
  });
}

void PrintTo(const Barrier& barrier, std::ostream* out) {
  *out << "barrier " << harness::inQuotes(barrier.name());
}

}  // namespace muster
