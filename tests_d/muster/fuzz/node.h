// A keeper's gate without a system behind it.
//
// Sessions, leases and grants are real, on a clock that the target moves. The services check their
// arguments as the real ones do, but execute nothing.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include "nodeagent/keeper/gate.h"

namespace fuzz {

class Node final : public nodeagent::GateListener {
 public:
  Node();

  // Returns the gate for a new connection of `who`.
  wire::Gate::Client gate(kj::StringPtr who, wire::Role role);

  // Moves both clocks, and lets due events happen.
  void advance(kj::Duration duration);

  // Fails unless a well-behaved controller still gets a session, pings it and closes it.
  void expectHealthy();

  void greeted(nodeagent::Session&, kj::Duration) override { ++greetings; }

  kj::EventLoop loop;
  kj::WaitScope waitScope{loop};
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  nodeagent::ManualClock clock;
  nodeagent::SessionTable sessions{clock, timer};
  size_t greetings = 0;

  // Counts the calls that reached a service.
  size_t asked = 0;

 private:
  nodeagent::ServiceSet services_;
  nodeagent::GateContext context_{sessions, clock, "n1", "boot-1", services_};
  kj::Promise<void> watching_;
};

}  // namespace fuzz
