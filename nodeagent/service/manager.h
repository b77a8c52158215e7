// What a node's service manager can be asked, whichever it is.
//
// Blocking: for a worker thread. Failures are those of support::fail.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/memory.h>
#include <kj/string.h>

#include "nodeagent/os/init_system.h"
#include "schema/service.capnp.h"

namespace nodeagent::service {

constexpr int64_t kStatusLimitNs = 10'000'000'000;
constexpr size_t kLogLinesMax = 20;

// As wire::ServiceStatus.
struct Status {
  wire::ServiceStatus::Manager manager = wire::ServiceStatus::Manager::UNSPECIFIED;
  wire::ServiceStatus::State state = wire::ServiceStatus::State::UNSPECIFIED;
  kj::String substate;
  int32_t mainPid = 0;
  wire::ServiceStatus::Enabled enabled = wire::ServiceStatus::Enabled::UNSPECIFIED;
  kj::String description;
  kj::Array<kj::String> log;
};

// What became of an action. A failure beside it does not throw, because the output belongs to it.
struct ActResult {
  kj::Array<kj::byte> output;
  wire::Error::Kind kind = wire::Error::Kind::UNSPECIFIED;  // Unspecified: it worked.
  kj::String text;                                          // Of the failure.
};

class Manager {
 public:
  virtual ~Manager() noexcept(false) = default;

  // Fails with kind notFound for a name that the manager does not know. Bounded by kStatusLimitNs,
  // and as much again for the log.
  virtual Status status(kj::StringPtr name) = 0;

  virtual ActResult act(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs) = 0;
};

// Fails with kind invalid for what cannot be the name of a unit or script, or would be an option or
// a pattern.
void requireServiceName(kj::StringPtr name);

// "start" … as the tools spell it. Fails with kind invalid for an unspecified or unknown action.
kj::StringPtr actionText(wire::ServiceAction action);

// Fails with kind unsupported if the node has none that we know. Looked up for each call: a node
// may boot otherwise.
kj::Own<Manager> findManager(const InitPaths& paths = {});

}  // namespace nodeagent::service
