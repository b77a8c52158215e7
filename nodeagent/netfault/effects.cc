#include "nodeagent/netfault/effects.h"

#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

Shown shownOf(const kj::Maybe<Listing>& maybe) {
  KJ_IF_MAYBE (listing, maybe) {
    return {listing->isOurs, !listing->addresses.empty(), listing->isForeign, listing->packets,
            listing->bytes};
  }
  return {};
}

Shown shownOf(const kj::Maybe<QdiscListing>& maybe) {
  KJ_IF_MAYBE (listing, maybe) return {true, true, false, listing->packets, listing->bytes};
  return {};
}

}  // namespace

void Effects::requirePossible(const FaultSpec& spec) const {
  if (spec.isLink()) return Qdisc(spec.link.interface, run_).requireFree();
  requireForeign(spec);
  if (NftTable(spec.id, run_).read() == nullptr) return;
  support::fail(wire::Error::Kind::CONFLICT, "table inet ", tableName(spec.id),
                " is there already");
}

void Effects::begin(const FaultSpec& spec, int64_t holdNs) const {
  if (spec.isLink()) return Qdisc(spec.link.interface, run_).make(spec.link);
  NftTable table(spec.id, run_);
  table.make(spec, controlPorts_, holdNs);
  requireShown(table.read().orDefault(Listing()), spec);
}

void Effects::hold(const FaultSpec& spec, int64_t holdNs) const {
  if (!spec.isLink()) NftTable(spec.id, run_).hold(spec, holdNs);
}

Shown Effects::read(const EffectPlace& place) const {
  if (place.interface.size() > 0) return shownOf(Qdisc(place.interface, run_).read());
  return shownOf(NftTable(place.id, run_).read());
}

Shown Effects::remove(const EffectPlace& place) const {
  if (place.interface.size() > 0) return shownOf(Qdisc(place.interface, run_).remove());
  return shownOf(kj::Maybe<Listing>(NftTable(place.id, run_).remove()));
}

}  // namespace nodeagent::netfault
