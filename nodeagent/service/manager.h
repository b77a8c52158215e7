// States the requests that every kind of service manager answers.
//
// Every call blocks, so it belongs on a worker thread. Failures are those of support::fail.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/memory.h>
#include <kj/string.h>

#include "nodeagent/os/init_system.h"
#include "nodeagent/os/users.h"
#include "schema/service.capnp.h"

namespace nodeagent::service {

constexpr int64_t kStatusLimitNs = 10'000'000'000;
constexpr size_t kLogLinesMax = 20;
constexpr size_t kJournalLinesMax = 50;

// Has the fields of wire::ServiceStatus.
struct Status {
  wire::ServiceStatus::Manager manager = wire::ServiceStatus::Manager::UNSPECIFIED;
  wire::ServiceStatus::State state = wire::ServiceStatus::State::UNSPECIFIED;
  kj::String substate;
  int32_t mainPid = 0;
  wire::ServiceStatus::Enabled enabled = wire::ServiceStatus::Enabled::UNSPECIFIED;
  kj::String description;
  kj::Array<kj::String> log;
  // When its present start, or the last one, began; on the monotonic clock. 0: nobody knows.
  int64_t startedMonotonicNs = 0;
};

// What a service and its manager have logged.
struct Journal {
  kj::Array<kj::String> lines;
  // Why there are no lines. Empty if there are.
  kj::String note;
};

// The result of an action. A failure does not throw, because the output belongs to it.
struct ActResult {
  kj::Array<kj::byte> output;
  // Unspecified means that it worked.
  wire::Error::Kind kind = wire::Error::Kind::UNSPECIFIED;
  // Describes the failure.
  kj::String text;
};

class Manager {
 public:
  enum class Log { kWithout, kWith };

  virtual ~Manager() noexcept(false) = default;

  // Fails with kind notFound for a name that the manager does not know. Takes at most
  // kStatusLimitNs, and the same time again for the log.
  virtual Status status(kj::StringPtr name, Log log = Log::kWith) = 0;

  // Performs any action but kill.
  virtual ActResult act(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs) = 0;

  // Sends `signal` to the processes of the service.
  virtual ActResult kill(kj::StringPtr name, int signal, int64_t limitNs) = 0;

  // Returns the last kJournalLinesMax lines since a reading of CLOCK_REALTIME.
  virtual Journal journalSince(kj::StringPtr name, int64_t realtimeNs) = 0;
};

// Returns the action as the tools spell it, such as "start". Fails with kind invalid for an
// unspecified or unknown action.
kj::StringPtr actionText(wire::ServiceAction action);

// Returns an action's result that failed with kind unsupported.
ActResult unsupportedAction(kj::StringPtr name, wire::ServiceAction action, kj::StringPtr why);

// Returns the node's manager, or the one of a user. Fails with kind unsupported if there is none
// that we know. It is looked up for each call, since a node may boot with another.
kj::Own<Manager> findManager(const InitPaths& paths, kj::Maybe<const User&> user = nullptr);

}  // namespace nodeagent::service
