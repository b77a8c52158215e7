// The diagnosis of a scripted agent, on whose node nothing crashes.
#pragma once

#include "harness/rpc/fake/fake_agent.h"
#include "schema/diagnosis.capnp.h"

namespace harness {

class FakeDiagnosis final : public wire::Diagnosis::Server {
 public:
  // Borrows the script, which may change at any time.
  explicit FakeDiagnosis(const FakeAgent::Script& script) : script_(script) {}

  kj::Promise<void> crashes(CrashesContext context) override {
    if (script_.crashRefusal == wire::Error::Kind::UNSPECIFIED) {
      context.getResults().initNext().setRealtimeNs(1);
    } else {
      context.getResults().initError().setKind(script_.crashRefusal);
    }
    return kj::READY_NOW;
  }

 private:
  const FakeAgent::Script& script_;
};

}  // namespace harness
