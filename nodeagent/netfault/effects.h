// Makes, holds, reads and removes the effects of faults, each by its own tool: dropped packets by a
// table of nftables, links by a queueing discipline.
#pragma once

#include <kj/array.h>

#include "nodeagent/netfault/fault_spec.h"
#include "nodeagent/netfault/nft_table.h"
#include "nodeagent/netfault/qdisc.h"

namespace nodeagent::netfault {

// By which an effect is found again.
struct EffectPlace {
  support::Id id;
  // Empty: it is a table of nftables.
  kj::String interface;

  EffectPlace clone() const { return {id, kj::str(interface)}; }
};

// What the kernel shows of an effect.
struct Shown {
  bool isThere = false;
  // It has an effect now: its time in the kernel is not over.
  bool isWorking = false;
  // Something that is not ours has its place.
  bool isForeign = false;
  uint64_t packets = 0;
  uint64_t bytes = 0;
};

// Immutable. All calls block, and fail as those of NftTable and Qdisc do.
class Effects {
 public:
  Effects(RunTool run, kj::Array<uint16_t> controlPorts)
      : run_(kj::mv(run)), controlPorts_(kj::mv(controlPorts)) {}

  // Refuses what cannot be done, and touches nothing.
  void requirePossible(const FaultSpec& spec) const;

  // Begins the effect and fails unless the kernel shows it as it was asked for.
  void begin(const FaultSpec& spec, int64_t holdNs) const;

  // Tells the kernel to keep it for `holdNs` from now, if the kernel can end it.
  void hold(const FaultSpec& spec, int64_t holdNs) const;

  Shown read(const EffectPlace& place) const;

  // Ends it, and returns what it showed before. One that is not there is no failure.
  Shown remove(const EffectPlace& place) const;

  kj::ArrayPtr<const uint16_t> controlPorts() const { return controlPorts_; }

 private:
  const RunTool run_;
  const kj::Array<uint16_t> controlPorts_;
};

}  // namespace nodeagent::netfault
