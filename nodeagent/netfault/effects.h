// Makes, holds, reads and removes the effects of faults, each by its own tool: dropped packets by a
// table of nftables, links by a queueing discipline or, where the kernel lacks it, by a relay, and
// all others by local_effect.h.
#pragma once

#include <kj/array.h>

#include "nodeagent/netfault/fault_spec.h"
#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/netfault/nft_table.h"
#include "nodeagent/netfault/qdisc.h"

namespace nodeagent::netfault {

// By which an effect is found again.
struct EffectPlace {
  support::Id id;
  // An interface, or the text of a local effect. Empty: it is a table of nftables.
  kj::String text;
};

// Immutable. All calls block, and fail as those of NftTable and Qdisc do.
class Effects {
 public:
  explicit Effects(LocalHost host) : host_(kj::mv(host)), run_(host_.run) {}

  // Refuses what cannot be done, and touches nothing.
  void requirePossible(const FaultSpec& spec) const;

  // Begins the effect and fails unless the kernel shows it as it was asked for. `remember` is given
  // the text of its place before each change; it has that of placeOf already.
  void begin(const FaultSpec& spec, int64_t holdNs, RememberPlace remember) const;

  // Returns the text of the place of an effect that has not begun.
  static kj::String placeOf(const FaultSpec& spec);

  // Tells the kernel to keep it for `holdNs` from now, if the kernel can end it.
  void hold(const FaultSpec& spec, int64_t holdNs) const;

  Shown read(const EffectPlace& place) const;

  // Ends it, and returns what it showed before. One that is not there is no failure, and neither is
  // one whose interface is gone: the witness says so.
  Shown remove(const EffectPlace& place) const;

  // Tells whether there may be something to end after a boot of the node.
  static bool outlivesBoot(const EffectPlace& place);

  kj::ArrayPtr<const uint16_t> controlPorts() const { return host_.controlPorts; }

 private:
  void requireLinkFree(const LinkSpec& link) const;
  void beginLink(const LinkSpec& link, RememberPlace& remember) const;

  const LocalHost host_;
  const RunTool run_;
};

}  // namespace nodeagent::netfault
