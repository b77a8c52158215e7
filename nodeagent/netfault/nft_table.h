// One fault's own table of nftables: the text of its rules, and how it is made, held, read back and
// removed.
//
// A table of the family inet holds everything of one fault, so that it comes and goes whole, and no
// rule of anybody else is touched. The addresses are elements with a timeout: the kernel itself
// forgets them unless it is told again, and the rules then match nothing.
#pragma once

#include <stdint.h>

#include <set>
#include <string>

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/netfault/fault_spec.h"
#include "nodeagent/netfault/run_tool.h"

namespace nodeagent::netfault {

// Returns the table's name, such as "muster_0f1e…".
kj::String tableName(const support::Id& id);

// Return the commands for nft, which takes each text as one transaction. `holdNs` is how long the
// kernel keeps the fault by itself.
kj::String makeText(const FaultSpec& spec, kj::ArrayPtr<const uint16_t> controlPorts,
                    int64_t holdNs);
kj::String holdText(const FaultSpec& spec, int64_t holdNs);

// What the kernel shows of a table.
struct Listing {
  // Nothing but sets and a chain of ours is in it.
  bool isOurs = false;
  // There is something else.
  bool isForeign = false;
  // The chain sees the packets that come in.
  bool hasHook = false;
  size_t dropRules = 0;
  std::set<std::string> addresses;
  uint64_t packets = 0;
  uint64_t bytes = 0;
};

// Reads what `nft list table` printed.
Listing parseListing(kj::StringPtr text, kj::StringPtr table);

// Fails with kind system unless the listing has everything that `spec` asks for.
void requireShown(const Listing& listing, const FaultSpec& spec);

// All calls block. Failures: unsupported (the node lacks nft, or its kernel nf_tables), denied (the
// agent may not), system.
class NftTable {
 public:
  NftTable(const support::Id& id, RunTool run);

  void make(const FaultSpec& spec, kj::ArrayPtr<const uint16_t> controlPorts, int64_t holdNs) const;

  // Tells the kernel to keep the fault for `holdNs` from now.
  void hold(const FaultSpec& spec, int64_t holdNs) const;

  // Null: the kernel has no such table.
  kj::Maybe<Listing> read() const;

  // Removes the table and looks that it is gone; one that is not there is no failure. Returns what
  // it showed before. Fails with kind conflict, and leaves it alone, if it is not ours.
  Listing remove() const;

 private:
  kj::Array<kj::byte> nft(kj::ArrayPtr<const kj::StringPtr> words) const;

  const kj::String name_;
  const RunTool run_;
};

}  // namespace nodeagent::netfault
