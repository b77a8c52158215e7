// The logs of a scripted agent, which are always empty.
#pragma once

#include <kj/timer.h>

#include "harness/rpc/fake/fake_agent.h"
#include "schema/log.capnp.h"

namespace harness {

class FakeLogs final : public wire::Logs::Server {
 public:
  // Borrows both. The script may change at any time.
  FakeLogs(const FakeAgent::Script& script, kj::Timer& timer) : script_(script), timer_(timer) {}

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
    auto wait = context.getParams().getWaitNs() * kj::NANOSECONDS;
    auto late = script_.logLateness.count() * kj::MILLISECONDS;
    return timer_.afterDelay(wait + late).then([context]() mutable {
      context.getResults().initNext().initFiles(0);
    });
  }

 private:
  const FakeAgent::Script& script_;
  kj::Timer& timer_;
};

}  // namespace harness
