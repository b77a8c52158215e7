#include "tests_d/muster/simulation/raw_calls.h"

namespace simulation {

RawCalls::RawCalls(SimulatedClient& client, std::shared_ptr<Operation> operation,
                   const char* invariant, int64_t allowedNs)
    : client_(client),
      world_(client.world_),
      operation_(std::move(operation)),
      invariant_(invariant),
      until_(client.in(allowedNs)) {}

kj::Promise<bool> RawCalls::ask(
    std::function<kj::Promise<void>(harness::EstablishedConnection&)> attempt) {
  auto once = [this, attempt = std::move(attempt)](
                  harness::EstablishedConnection& live) -> kj::Promise<bool> {
    if (generation_ == 0) generation_ = live.generation;
    if (generation_ != live.generation) return false;
    return attempt(live).then([this]() { return !isOver_; });
  };
  return client_.controller_.connection.call<bool>(until_, kj::mv(once));
}

void RawCalls::expectError(const char* what, wire::Error::Kind got, wire::Error::Kind expected) {
  if (got == expected) return;
  bool mayExpire = client_.closing_ || client_.leaseMayRunOut();
  if (got == wire::Error::Kind::EXPIRED && mayExpire) {
    isOver_ = true;
    return;
  }
  client_.violated(invariant_, *operation_,
                   std::string(what) + ": answered with error kind " +
                       std::to_string(static_cast<int>(got)) + " instead of " +
                       std::to_string(static_cast<int>(expected)));
}

}  // namespace simulation
