#include "nodeagent/netfault/local_effect.h"

#include <kj/vector.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

struct Place {
  kj::String kind;
  kj::Array<kj::String> lines;
};

Place placeIn(kj::StringPtr text) {
  kj::Vector<kj::String> lines;
  while (text.size() > 0) {
    size_t end = text.findFirst('\n').orDefault(text.size());
    lines.add(kj::heapString(text.begin(), end));
    text = text.slice(kj::min(end + 1, text.size()));
  }
  kj::String kind = lines.size() == 0 ? kj::String() : kj::mv(lines[0]);
  kj::Vector<kj::String> rest;
  for (size_t i = 1; i < lines.size(); ++i) rest.add(kj::mv(lines[i]));
  return {kj::mv(kind), rest.releaseAsArray()};
}

const LocalEffect& effectOf(kj::StringPtr kind) {
  if (kind == kPauseKind) return pauseEffect();
  if (kind == "descriptors") return descriptorsEffect();
  if (kind == "memory") return memoryEffect();
  if (kind == "cpu") return cpuEffect();
  if (kind == "full") return fullEffect();
  if (kind == "read-only") return readOnlyEffect();
  if (kind == "down") return downEffect();
  if (kind == "disk") return diskLayerEffect();
  if (kind == kRelayKind) return relayEffect();
  support::fail(wire::Error::Kind::UNSUPPORTED, "this agent knows no fault \"", kind, "\"");
}

}  // namespace

kj::String placeText(kj::StringPtr kind, kj::ArrayPtr<const kj::String> lines) {
  return kj::str(kind, "\n", kj::strArray(lines, "\n"));
}

bool isLocalPlace(kj::StringPtr text) {
  return text.findFirst('\n') != nullptr;
}

void beginLocal(const LocalSpec& spec, const LocalHost& host, RememberPlace& remember) {
  effectOf(spec.kind).begin(
      spec, host, [&](kj::Array<kj::String> lines) { remember(placeText(spec.kind, lines)); });
}

Shown readLocal(kj::StringPtr place) {
  auto known = placeIn(place);
  return effectOf(known.kind).read(known.lines);
}

Shown removeLocal(kj::StringPtr place) {
  auto known = placeIn(place);
  return effectOf(known.kind).remove(known.lines);
}

bool outlivesBoot(kj::StringPtr place) {
  return effectOf(placeIn(place).kind).outlivesBoot();
}

}  // namespace nodeagent::netfault
