#include "nodeagent/netfault/effects.h"

#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

Shown shownOf(const kj::Maybe<Listing>& maybe) {
  KJ_IF_MAYBE (listing, maybe) {
    return {listing->isOurs,    !listing->addresses.empty(),
            listing->isForeign, listing->packets,
            listing->bytes,     kj::String()};
  }
  return {};
}

Shown shownOf(const kj::Maybe<QdiscListing>& maybe) {
  KJ_IF_MAYBE (listing, maybe) {
    return {true, true, false, listing->packets, listing->bytes, kj::String()};
  }
  return {};
}

// Asks for the queueing discipline of an interface, which is gone with it.
template <typename Ask>
Shown shownOf(kj::StringPtr interface, Ask&& ask) {
  Shown shown;
  auto failed = kj::runCatchingExceptions([&]() { shown = shownOf(ask()); });
  KJ_IF_MAYBE (exception, failed) {
    if (support::toFailure(*exception, "faults").kind != wire::Error::Kind::NOT_FOUND) {
      kj::throwFatalException(kj::mv(*exception));
    }
    shown.isThere = shown.isWorking = true;
    shown.witness = kj::str("interface ", interface, " is gone");
  }
  return shown;
}

}  // namespace

void Effects::requirePossible(const FaultSpec& spec) const {
  if (spec.isLink()) return Qdisc(spec.link.interface, run_).requireFree();
  if (spec.isLocal()) return;
  requireForeign(spec);
  if (NftTable(spec.id, run_).read() == nullptr) return;
  support::fail(wire::Error::Kind::CONFLICT, "table inet ", tableName(spec.id),
                " is there already");
}

kj::String Effects::placeOf(const FaultSpec& spec) {
  return spec.isLocal() ? placeText(spec.local.kind, nullptr) : kj::str(spec.link.interface);
}

void Effects::begin(const FaultSpec& spec, int64_t holdNs, RememberPlace remember) const {
  if (spec.isLink()) return Qdisc(spec.link.interface, run_).make(spec.link);
  if (spec.isLocal()) return beginLocal(spec.local, host_, remember);
  NftTable table(spec.id, run_);
  table.make(spec, host_.controlPorts, holdNs);
  requireShown(table.read().orDefault(Listing()), spec);
}

void Effects::hold(const FaultSpec& spec, int64_t holdNs) const {
  if (spec.isDrop()) NftTable(spec.id, run_).hold(spec, holdNs);
}

Shown Effects::read(const EffectPlace& place) const {
  if (isLocalPlace(place.text)) return readLocal(place.text);
  if (place.text.size() > 0) {
    return shownOf(place.text, [&]() { return Qdisc(place.text, run_).read(); });
  }
  return shownOf(NftTable(place.id, run_).read());
}

Shown Effects::remove(const EffectPlace& place) const {
  if (isLocalPlace(place.text)) return removeLocal(place.text);
  if (place.text.size() > 0) {
    return shownOf(place.text, [&]() { return Qdisc(place.text, run_).remove(); });
  }
  return shownOf(kj::Maybe<Listing>(NftTable(place.id, run_).remove()));
}

// What is known by a name of ours is ours after a boot, too.
bool Effects::outlivesBoot(const EffectPlace& place) {
  return !isLocalPlace(place.text) || netfault::outlivesBoot(place.text);
}

}  // namespace nodeagent::netfault
