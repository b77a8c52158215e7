// The thread that promises of this room run on, as they see it, with the world beyond it, which is
// timer and clock, background work, randomness, and the way to an agent. IoThread is the real one;
// a simulation has its own.
#pragma once

#include <chrono>
#include <string>

#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/timer.h>

#include <muster/deadline.h>

#include "harness/cluster/description.h"
#include "harness/rpc/connect_slots.h"
#include "schema/support/base/id.h"

namespace harness {

// The most connections that are being made at a time.
constexpr size_t kConnectingMax = 64;

// For use on its own thread only, but for now(), randomNumber() and randomId().
class Loop {
 public:
  Loop() = default;
  virtual ~Loop() = default;
  KJ_DISALLOW_COPY(Loop);

  virtual kj::Timer& timer() = 0;

  // Returns a time in step with the timer, but not as old as the loop's last wait.
  virtual muster::SteadyTime now() const = 0;

  // Runs a promise in the background. If it fails, that is logged.
  virtual void spawn(kj::Promise<void> promise) = 0;

  // Connects to an agent; see dial.h.
  virtual kj::Promise<kj::Own<kj::AsyncIoStream>> dial(const AgentRoute& route,
                                                       const std::string& node,
                                                       std::chrono::nanoseconds limit) = 0;

  virtual uint64_t randomNumber() = 0;
  virtual support::Id randomId() = 0;

  // Returns the time until `until` as the timer counts it, or zero if it has passed.
  kj::Duration durationUntil(muster::SteadyTime until) const {
    auto left = std::chrono::nanoseconds(until - now()).count();
    return (left > 0 ? left : 0) * kj::NANOSECONDS;
  }

  // Returns the slots that every connection attempt takes one of.
  ConnectSlots& connectSlots() { return connectSlots_; }

 private:
  ConnectSlots connectSlots_{kConnectingMax};
};

}  // namespace harness
