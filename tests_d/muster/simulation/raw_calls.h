// Makes calls to the node one by one, over the connection of a client.
//
// RawOperation and Transfer share it.
#pragma once

#include <stdint.h>

#include <functional>
#include <memory>
#include <string>

#include "tests_d/muster/simulation/client.h"

namespace simulation {

class RawCalls {
 protected:
  // A wrong answer violates `invariant`. The calls belong to `operation`.
  RawCalls(SimulatedClient& client, std::shared_ptr<Operation> operation, const char* invariant,
           int64_t allowedNs);
  KJ_DISALLOW_COPY(RawCalls);
  ~RawCalls() = default;

  // Calls `attempt` over the connection as Connection::call does. Returns false once the session in
  // which the first call was made is over.
  kj::Promise<bool> ask(std::function<kj::Promise<void>(harness::EstablishedConnection&)> attempt);

  void expectError(const char* what, wire::Error::Kind got, wire::Error::Kind expected);

  template <typename Response>
  static wire::Error::Kind errorOf(const Response& response) {
    return response.hasError() ? response.getError().getKind() : wire::Error::Kind::UNSPECIFIED;
  }
  static kj::ArrayPtr<const kj::byte> bytesOf(const std::string& text) {
    return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
  }

  SimulatedClient& client_;
  World& world_;
  std::shared_ptr<Operation> operation_;
  bool isOver_ = false;  // The session of the first call has ended.

 private:
  const char* invariant_;
  muster::SteadyTime until_;
  uint64_t generation_ = 0;
};

// Returns a continuation that calls `next` unless the session is over.
template <typename Next>
auto unlessOver(Next next) {
  return [next = kj::mv(next)](bool goesOn) mutable -> kj::Promise<bool> {
    if (!goesOn) return false;
    return next();
  };
}

}  // namespace simulation
