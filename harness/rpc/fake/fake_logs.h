// The logs of a scripted agent, which are always empty.
#pragma once

#include <atomic>

#include <kj/timer.h>

#include "harness/rpc/fake/fake_agent.h"
#include "schema/log.capnp.h"

namespace harness {

class FakeLogs final : public wire::Logs::Server {
 public:
  // Borrows all. The script may change at any time. `waits` counts the waits that have come.
  FakeLogs(const FakeAgent::Script& script, kj::Timer& timer, std::atomic<unsigned>& waits)
      : script_(script), timer_(timer), waits_(waits) {}

  kj::Promise<void> mark(MarkContext context) override {
    context.getResults().initMark().initFiles(0);
    return kj::READY_NOW;
  }

  kj::Promise<void> read(ReadContext context) override {
    if (script_.logRefusal == wire::Error::Kind::UNSPECIFIED) {
      context.getResults().initNext().initFiles(0);
    } else {
      context.getResults().initError().setKind(script_.logRefusal);
    }
    return kj::READY_NOW;
  }

  kj::Promise<void> await(AwaitContext context) override {
    ++waits_;
    auto wait = context.getParams().getWaitNs() * kj::NANOSECONDS;
    auto late = script_.logLateness.count() * kj::MILLISECONDS;
    return timer_.afterDelay(wait + late).then([context]() mutable {
      context.getResults().initNext().initFiles(0);
    });
  }

 private:
  const FakeAgent::Script& script_;
  kj::Timer& timer_;
  std::atomic<unsigned>& waits_;
};

}  // namespace harness
