// What promises of this room see of the thread they run on, and of the world beyond it: timer and
// clock, background work, randomness, and the way to an agent. IoThread is the real one; a
// simulation has its own.
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

// How many connections are being made at a time.
constexpr size_t kConnectingMax = 64;

// For use on its own thread only, but for now(), randomNumber() and randomId().
class Loop {
 public:
  Loop() = default;
  virtual ~Loop() = default;
  KJ_DISALLOW_COPY(Loop);

  virtual kj::Timer& timer() = 0;

  // In step with the timer, but not as old as the loop's last wait.
  virtual muster::SteadyTime now() const = 0;

  // Runs a promise in the background. If it fails, that is logged.
  virtual void spawn(kj::Promise<void> promise) = 0;

  // Connects to an agent; see dial.h.
  virtual kj::Promise<kj::Own<kj::AsyncIoStream>> dial(const AgentRoute& route,
                                                       const std::string& node,
                                                       std::chrono::nanoseconds limit) = 0;

  virtual uint64_t randomNumber() = 0;
  virtual support::Id randomId() = 0;

  // The time until `until` as the timer counts it; zero if it passed.
  kj::Duration durationUntil(muster::SteadyTime until) const {
    auto left = std::chrono::nanoseconds(until - now()).count();
    return (left > 0 ? left : 0) * kj::NANOSECONDS;
  }

  // For whoever makes a connection.
  ConnectSlots& connectSlots() { return connectSlots_; }

 private:
  ConnectSlots connectSlots_{kConnectingMax};
};

}  // namespace harness
