#include "tests_d/muster/simulation/raw_calls.h"

namespace simulation {

RawCalls::RawCalls(Customer& customer, std::shared_ptr<Order> order, const char* invariant,
                   int64_t allowedNs)
    : customer_(customer),
      world_(customer.world_),
      order_(std::move(order)),
      invariant_(invariant),
      until_(customer.in(allowedNs)) {}

kj::Promise<bool> RawCalls::ask(std::function<kj::Promise<void>(harness::Live&)> attempt) {
  auto once = [this, attempt = std::move(attempt)](harness::Live& live) -> kj::Promise<bool> {
    if (generation_ == 0) generation_ = live.generation;
    if (generation_ != live.generation) return false;
    return attempt(live).then([this]() { return !isOver_; });
  };
  return customer_.controller_.connection.call<bool>(until_, kj::mv(once));
}

void RawCalls::expectError(const char* what, wire::Error::Kind got, wire::Error::Kind expected) {
  if (got == expected) return;
  bool mayExpire = customer_.closing_ || customer_.leaseMayRunOut();
  if (got == wire::Error::Kind::EXPIRED && mayExpire) {
    isOver_ = true;
    return;
  }
  customer_.violated(invariant_, *order_,
                     std::string(what) + ": answered with error kind " +
                         std::to_string(static_cast<int>(got)) + " instead of " +
                         std::to_string(static_cast<int>(expected)));
}

}  // namespace simulation
