#include "nodeagent/netfault/effects.h"

#include <net/if.h>

#include "nodeagent/relay/relay.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

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
    if (support::toFailure(*exception, "faults").kind != Kind::NOT_FOUND) {
      kj::throwFatalException(kj::mv(*exception));
    }
    shown.isThere = shown.isWorking = true;
    shown.witness = kj::str("interface ", interface, " is gone");
  }
  return shown;
}

// Does `body`, and returns why the node cannot; null if it could. Another failure goes on.
template <typename Body>
kj::Maybe<support::Failure> whyLacking(Body&& body) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { body(); })) {
    support::Failure failure = support::toFailure(*exception, "faults");
    if (failure.kind == Kind::UNSUPPORTED || failure.kind == Kind::DENIED) return kj::mv(failure);
    kj::throwFatalException(kj::mv(*exception));
  }
  return nullptr;
}

LocalSpec relaySpec(const LinkSpec& link) {
  LocalSpec spec{kRelayKind};
  spec.interface = kj::str(link.interface);
  spec.shape = {link.bitsPerSecond, link.delayNs,    link.jitterNs,
                link.duplicatePpm,  link.reorderPpm, link.corruptPpm};
  return spec;
}

}  // namespace

void Effects::requireLinkFree(const LinkSpec& link) const {
  unsigned index = ::if_nametoindex(link.interface.cStr());
  if (index != 0 && ::if_nametoindex(relay::tapName(index).c_str()) != 0) {
    support::fail(Kind::CONFLICT, "interface ", link.interface, " has the relay ",
                  relay::tapName(index).c_str(), " already, of another fault");
  }
  auto lack = whyLacking([&]() { Qdisc(link.interface, run_).requireFree(); });
  KJ_IF_MAYBE (failure, lack) {
    // A relay needs no tc.
    if (!link.needsNetem()) kj::throwFatalException(support::toException(*failure));
  }
}

void Effects::beginLink(const LinkSpec& link, RememberPlace& remember) const {
  Qdisc qdisc(link.interface, run_);
  if (!link.needsNetem()) return qdisc.make(link);
  auto noNetem = whyLacking([&]() { qdisc.make(link); });
  KJ_IF_MAYBE (failure, noNetem) {
    // From here on nothing is to be undone by tc, which the node may lack.
    remember(placeText(kRelayKind, nullptr));
    auto noRelay = whyLacking([&]() { beginLocal(relaySpec(link), host_, remember); });
    KJ_IF_MAYBE (other, noRelay) {
      support::fail(other->kind, failure->text, "; nor can a relay do it: ", other->text);
    }
  }
}

void Effects::requirePossible(const FaultSpec& spec) const {
  if (spec.isLink()) return requireLinkFree(spec.link);
  if (spec.isLocal()) return;
  requireForeign(spec);
  if (NftTable(spec.id, run_).read() == nullptr) return;
  support::fail(Kind::CONFLICT, "table inet ", tableName(spec.id), " is there already");
}

kj::String Effects::placeOf(const FaultSpec& spec) {
  return spec.isLocal() ? placeText(spec.local.kind, nullptr) : kj::str(spec.link.interface);
}

void Effects::begin(const FaultSpec& spec, int64_t holdNs, RememberPlace remember) const {
  if (spec.isLink()) return beginLink(spec.link, remember);
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
