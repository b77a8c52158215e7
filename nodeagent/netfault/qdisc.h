// Makes one interface of the node slow or unreliable, by a queueing discipline of its own: tbf for
// a rate, and netem for delay, duplicates, reordering and damage, where the kernel has it.
//
// The discipline is the root of the interface, with a handle by which it is known as ours. One that
// somebody else has put there is never replaced. The kernel holds no lease of it.
#pragma once

#include <kj/string.h>

#include "nodeagent/netfault/fault_spec.h"
#include "nodeagent/netfault/nft_table.h"

namespace nodeagent::netfault {

// What the kernel shows at the root of an interface.
struct QdiscListing {
  // Such as "tbf" and "6d75:".
  kj::String kind;
  kj::String handle;
  uint64_t packets = 0;
  uint64_t bytes = 0;

  bool isOurs() const;
  // The kernel's own choice, which may be replaced.
  bool isDefault() const { return handle == "0:"; }
};

// Reads what `tc -s qdisc show` printed; null if no root is in it.
kj::Maybe<QdiscListing> parseQdisc(kj::StringPtr text);

// Returns the words behind "tc qdisc add dev IF root handle 6d75:".
kj::Array<kj::String> qdiscWords(const LinkSpec& spec);

// All calls block. Failures: notFound (no such interface), unsupported (the node lacks tc, or its
// kernel the discipline), denied, conflict (somebody else has a discipline there), system.
class Qdisc {
 public:
  Qdisc(kj::StringPtr interface, RunTool run) : interface_(kj::str(interface)), run_(run) {}

  // Fails if the discipline cannot be made, and touches nothing.
  void requireFree() const;

  // Makes it and reads it back.
  void make(const LinkSpec& spec) const;

  // Null: there is none of ours.
  kj::Maybe<QdiscListing> read() const;

  // Removes it and looks that it is gone; null if there was none of ours.
  kj::Maybe<QdiscListing> remove() const;

 private:
  kj::String tc(kj::ArrayPtr<const kj::String> words) const;
  kj::Maybe<QdiscListing> root() const;

  const kj::String interface_;
  const RunTool run_;
};

}  // namespace nodeagent::netfault
