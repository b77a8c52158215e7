// An agent that answers every call as a test says, through the real transport.
//
// It stands for a compromised node, whose certificate a controller accepts.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <capnp/dynamic.h>

#include "harness/cluster/description.h"
#include "harness/rpc/io_thread.h"
#include "schema/agent.capnp.h"
#include "tests_d/muster/fuzz/input.h"

namespace fuzz {

// One call as the agent sees it. `results` may be set to anything, also to capabilities.
struct HostileCall {
  kj::StringPtr method;
  capnp::DynamicStruct::Reader params;
  capnp::DynamicStruct::Builder results;

  // Makes a capability for `results`. Its calls are answered in the same way.
  std::function<capnp::DynamicCapability::Client(capnp::InterfaceSchema)> capability;

  // Answers a hello with a correct welcome and every grant.
  void welcome();
};

using HostileAnswer = std::function<kj::Promise<void>(HostileCall&)>;

// Returns an answer that `input` decides. `input` is borrowed.
HostileAnswer answersOf(Input& input);

class HostileAgent {
 public:
  // Listens on a socket in `directory`. Calls `answer` on a thread of its own until destroyed.
  HostileAgent(const std::string& directory, HostileAnswer answer);
  ~HostileAgent();

  harness::NodeDescription description() const;

 private:
  struct State;

  std::string socket_;
  harness::IoThread io_;
  std::unique_ptr<State> state_;  // The loop's thread uses it.
};

}  // namespace fuzz
