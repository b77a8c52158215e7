// One call that waits for a line: looks, waits for a change, and looks again.
#pragma once

#include <memory>
#include <string>

#include <kj/async-unix.h>
#include <kj/timer.h>

#include "nodeagent/log/change_watch.h"
#include "nodeagent/log/line_filter.h"
#include "nodeagent/log/source.h"
#include "nodeagent/os/worker.h"

namespace nodeagent::logs {

// Belongs to the loop. Everything that it borrows outlives it, and it outlives its promise.
class LogWaiter final {
 public:
  LogWaiter(kj::UnixEventPort& port, kj::Timer& timer, Worker& worker,
            std::shared_ptr<const Source> source, std::shared_ptr<const LineFilter> filter,
            const PartLimits& limits);
  KJ_DISALLOW_COPY(LogWaiter);

  // Resolves to the first part that has lines, or at `end` to one without. Notes of all parts on
  // the way are in it.
  kj::Promise<Part> wait(Mark from, kj::TimePoint end);

 private:
  struct Looked {
    Part part;
    kj::Duration took;
    ChangeWatch::Paths paths = ChangeWatch::Paths::kNone;
  };

  kj::Promise<Looked> look();
  kj::Promise<Part> lookUntil(kj::TimePoint end);
  kj::Promise<void> pause(const Looked& looked, kj::TimePoint end);

  kj::Timer& timer_;
  Worker& worker_;
  const std::shared_ptr<const Source> source_;
  const std::shared_ptr<const LineFilter> filter_;
  const PartLimits limits_;
  ChangeWatch watch_;
  Mark at_;
  std::vector<Note> notes_;
};

}  // namespace nodeagent::logs
