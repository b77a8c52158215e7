// What is waited for on this node, and one look at it.
#pragma once

#include <stdint.h>

#include <kj/refcount.h>
#include <kj/string.h>

#include "nodeagent/wait/http.h"
#include "schema/wait.capnp.h"

namespace nodeagent::wait {

// Immutable, so that looks on several threads share it.
struct Condition final : public kj::AtomicRefcounted {
  wire::Condition::Which which = wire::Condition::UNSPECIFIED;
  bool isAbsent = false;
  // The path, the name of the process, or the host.
  kj::String subject;
  uint16_t port = 0;
  // 0: any from 200 to 299.
  uint16_t status = 0;
  Url url;
};

// Fails with kind invalid, naming the field, or as readUrl does.
kj::Own<const Condition> readCondition(wire::Condition::Reader from);

struct Seen {
  bool holds = false;
  // For people, such as "connect to 127.0.0.1 port 80: Connection refused".
  kj::String text;
};

// Looks once. A look that fails is told by `text`: neither the condition holds then nor, unless the
// failure says that nothing is there, its absence. Blocks for `limitNs` about, so it belongs on a
// worker thread.
Seen look(const Condition& condition, int64_t limitNs);

}  // namespace nodeagent::wait
