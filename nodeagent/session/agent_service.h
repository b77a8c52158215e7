// States what every service of the agent is to its keeper: the capabilities that it offers, the
// least role for each, and the calls that the keeper makes at the end.
//
// A service lives in a directory of its own and knows no other service. The keeper has the one list
// of them (nodeagent/keeper/services.cc), and grants their capabilities by the role alone.
#pragma once

#include <stdint.h>

#include <capnp/capability.h>
#include <capnp/schema.h>
#include <kj/array.h>
#include <kj/async-unix.h>
#include <kj/function.h>
#include <kj/string.h>
#include <kj/time.h>
#include <kj/timer.h>

#include "nodeagent/os/platform.h"
#include "nodeagent/session/audit_log.h"
#include "nodeagent/session/commands.h"
#include "nodeagent/session/deaths.h"
#include "nodeagent/session/node_use.h"
#include "nodeagent/session/session.h"
#include "schema/agent.capnp.h"
#include "schema/common.capnp.h"

namespace nodeagent {

// Numbers of the agent as a whole, which the facts report.
struct AgentNumbers {
  int64_t startedRealtimeNs = 0;
  uint32_t jobsRunning = 0;
  uint32_t sessions = 0;
};

// The surroundings of a service. All of them outlive the services.
struct ServiceHost {
  kj::UnixEventPort& port;
  kj::Timer& timer;
  Platform& platform;

  // Each change of the node is recorded here before it is made.
  AuditLog& audit;

  kj::StringPtr nodeName;
  kj::StringPtr bootId;

  // An existing directory, in which each service has files or directories of its own. Empty:
  // nothing is kept that would outlive the agent.
  kj::StringPtr stateDirectory;

  // This program, for a service that starts it again. Empty: such a service does without.
  kj::StringPtr program;

  // Asks the whole agent. Set before the first call of a client arrives.
  kj::Function<AgentNumbers()> numbers = []() { return AgentNumbers(); };

  // The TCP ports by which controllers reach the agent. 0 among them: the kernel chose one.
  kj::Array<uint16_t> controlPorts;

  // The commands that run on the node, but for detached ones, which other processes keep.
  Commands commands = {};

  // The processes that ended as only a broken program does.
  Deaths deaths = {};

  // The sessions that change the node.
  NodeUse use = {};
};

class AgentService {
 public:
  struct Offer {
    capnp::InterfaceSchema interface;
    wire::Role least = wire::Role::UNSPECIFIED;

    // Called for each connection that is granted the interface.
    kj::Function<capnp::Capability::Client(Session&)> make;

    uint64_t interfaceId() const { return interface.getProto().getId(); }
  };

  virtual ~AgentService() noexcept(false) = default;

  // Returns new factories for everything that the service offers. The service outlives them and
  // their products.
  virtual kj::Array<Offer> offers() = 0;

  // Adds this service's share to the numbers.
  virtual void count(AgentNumbers& numbers) { (void)numbers; }

  // Fills in the limits of this service that a controller is told when it says hello.
  virtual void writeLimits(wire::Limits::Builder limits) { (void)limits; }

  // Waits, for `limit` at most, until no thread of the service runs any more. Returns false if a
  // thread is stuck, as in a file system that hangs; destroying the service would wait for it.
  virtual bool close(kj::Duration limit) {
    (void)limit;
    return true;
  }
};

// Returns the role that the schema's annotation `least` of the interface names. Throws if it has
// none, or a lesser one than an interface that it extends.
wire::Role leastRoleOf(capnp::InterfaceSchema interface);

// Offers `Interface` to the roles from its least one on. `make` takes a Session& and returns a
// Client or an Own of the server.
template <typename Interface, typename Make>
AgentService::Offer offer(Make make) {
  capnp::InterfaceSchema interface = capnp::Schema::from<Interface>();
  return {interface, leastRoleOf(interface),
          [make = kj::mv(make)](Session& session) mutable -> capnp::Capability::Client {
            typename Interface::Client client = make(session);
            return client;
          }};
}

}  // namespace nodeagent
