#include "nodeagent/log/log_waiter.h"

#include <algorithm>
#include <chrono>

namespace nodeagent::logs {
namespace {

using Steady = std::chrono::steady_clock;

// A look is followed by a pause that is longer by this factor, so that a log that is written all
// the time costs a small part of a processor.
constexpr int kPauseFactor = 20;
constexpr kj::Duration kPauseMin = 5 * kj::MILLISECONDS;
constexpr kj::Duration kPauseMax = 60 * kj::MILLISECONDS;

}  // namespace

LogWaiter::LogWaiter(kj::UnixEventPort& port, kj::Timer& timer, Worker& worker,
                     std::shared_ptr<const Source> source, std::shared_ptr<const LineFilter> filter,
                     const PartLimits& limits)
    : timer_(timer),
      worker_(worker),
      source_(std::move(source)),
      filter_(std::move(filter)),
      limits_(limits),
      watch_(port, timer) {}

kj::Promise<Part> LogWaiter::wait(Mark from, kj::TimePoint end) {
  at_ = std::move(from);
  return lookUntil(end);
}

// The paths are watched before the look, so that no change falls between.
kj::Promise<LogWaiter::Looked> LogWaiter::look() {
  return worker_.run(
      [source = source_, filter = filter_, queue = watch_.share(), at = at_, limits = limits_]() {
        auto begin = Steady::now();
        Looked looked;
        std::vector<std::string> paths = source->watched(at);
        queue->watch(paths);
        if (!paths.empty()) looked.paths = ChangeWatch::Paths::kWatched;
        looked.part = source->read(at, Mark(), *filter, limits);
        looked.took = std::chrono::nanoseconds(Steady::now() - begin).count() * kj::NANOSECONDS;
        return looked;
      });
}

kj::Promise<Part> LogWaiter::lookUntil(kj::TimePoint end) {
  return look().then([this, end](Looked&& looked) -> kj::Promise<Part> {
    Part& part = looked.part;
    // What every look finds is said once.
    for (Note& note : part.notes) {
      bool isNew = std::find(notes_.begin(), notes_.end(), note) == notes_.end();
      if (isNew) notes_.push_back(std::move(note));
    }
    bool isOver = !part.lines.empty() || timer_.now() >= end;
    if (isOver) {
      part.notes = std::move(notes_);
      return kj::mv(part);
    }
    at_ = std::move(part.next);
    if (part.hasMore) return lookUntil(end);
    return pause(looked, end).then([this, end]() { return lookUntil(end); });
  });
}

kj::Promise<void> LogWaiter::pause(const Looked& looked, kj::TimePoint end) {
  kj::Duration rest = std::max(kPauseMin, std::min(kPauseMax, kPauseFactor * looked.took));
  kj::TimePoint now = timer_.now();
  kj::Duration left = end > now ? end - now : 0 * kj::SECONDS;
  return timer_.afterDelay(std::min(rest, left))
      .then([this, paths = looked.paths]() { return watch_.changed(paths); })
      .exclusiveJoin(timer_.afterDelay(left));
}

}  // namespace nodeagent::logs
