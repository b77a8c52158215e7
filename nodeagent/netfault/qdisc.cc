#include "nodeagent/netfault/qdisc.h"

#include <errno.h>
#include <stdlib.h>

#include <algorithm>
#include <sstream>
#include <string>

#include <kj/vector.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

// "mu" in ASCII.
constexpr kj::StringPtr kHandle = "6d75:"_kj;
// A packet may wait for this long in the queue of a rate.
constexpr kj::StringPtr kLatency = "400ms"_kj;
// The bucket must hold a packet, and what passes between two ticks of the kernel's timer.
constexpr uint64_t kBurstBytesMin = 4096;
constexpr uint64_t kBurstsPerSecond = 100;

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

kj::String percent(uint32_t partsPerMillion) {
  return kj::str(partsPerMillion / 1e4, "%");
}

}  // namespace

bool QdiscListing::isOurs() const {
  return handle == kHandle && (kind == "tbf" || kind == "netem");
}

kj::Maybe<QdiscListing> parseQdisc(kj::StringPtr text) {
  std::istringstream lines(text.cStr());
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string head, kind, handle, place;
    words >> head >> kind >> handle >> place;
    if (head != "qdisc" || place != "root") continue;
    QdiscListing listing;
    listing.kind = kj::str(kind.c_str());
    listing.handle = kj::str(handle.c_str());
    // " Sent 84 bytes 1 pkt (dropped 0, …"
    std::string sent;
    if (std::getline(lines, line)) {
      std::istringstream(line) >> sent >> listing.bytes >> sent >> listing.packets;
    }
    return kj::mv(listing);
  }
  return nullptr;
}

kj::Array<kj::String> qdiscWords(const LinkSpec& spec) {
  kj::Vector<kj::String> words;
  auto add = [&](auto&&... each) { (words.add(kj::str(each)), ...); };
  if (!spec.needsNetem()) {
    uint64_t burst = std::max(spec.bitsPerSecond / 8 / kBurstsPerSecond, kBurstBytesMin);
    add("tbf", "rate", kj::str(spec.bitsPerSecond, "bit"), "burst", burst, "latency", kLatency);
    return words.releaseAsArray();
  }
  add("netem");
  if (spec.delayNs > 0) add("delay", kj::str(spec.delayNs / 1000, "us"));
  if (spec.jitterNs > 0) add(kj::str(spec.jitterNs / 1000, "us"));
  if (spec.duplicatePpm > 0) add("duplicate", percent(spec.duplicatePpm));
  if (spec.reorderPpm > 0) add("reorder", percent(spec.reorderPpm));
  if (spec.corruptPpm > 0) add("corrupt", percent(spec.corruptPpm));
  if (spec.bitsPerSecond > 0) add("rate", kj::str(spec.bitsPerSecond, "bit"));
  return words.releaseAsArray();
}

kj::String Qdisc::tc(kj::ArrayPtr<const kj::String> words) const {
  kj::Vector<kj::String> argv;
  argv.add(kj::str("tc"));
  for (auto& word : words) argv.add(kj::str(word));
  CommandResult result = run_(argv);
  std::string output(result.output.asChars().begin(), result.output.size());
  if (result.succeeded()) return kj::str(output.c_str());
  if (result.end == CommandResult::End::kNotStarted && result.value == ENOENT) {
    support::fail(Kind::UNSUPPORTED,
                  "the node has no program tc, which a slow link needs; install its package "
                  "iproute2");
  }
  if (contains(output, "qdisc kind is unknown")) {
    support::fail(Kind::UNSUPPORTED, "the node's kernel lacks the queueing discipline sch_",
                  words.size() > 7 ? words[7].asPtr() : "netem"_kj);
  }
  auto lines = lastLines(result.output, 20);
  kj::String what = lines.size() == 0 ? describeEnd(result) : kj::mv(lines[0]);
  Kind kind = contains(output, "Cannot find device") ? Kind::NOT_FOUND
              : contains(output, "not permitted")    ? Kind::DENIED
                                                     : Kind::SYSTEM;
  support::fail(kind, "tc: interface ", interface_, ": ", what);
}

kj::Maybe<QdiscListing> Qdisc::root() const {
  return parseQdisc(tc(kj::arr(kj::str("-s"), kj::str("qdisc"), kj::str("show"), kj::str("dev"),
                               kj::str(interface_), kj::str("root"))));
}

void Qdisc::requireFree() const {
  KJ_IF_MAYBE (listing, root()) {
    if (listing->isDefault()) return;
    support::fail(Kind::CONFLICT, "interface ", interface_, " has the queueing discipline ",
                  listing->kind, " ", listing->handle, " already, ",
                  listing->isOurs() ? "of another fault" : "which is not ours; it stays as it is");
  }
}

void Qdisc::make(const LinkSpec& spec) const {
  kj::Vector<kj::String> words;
  for (kj::StringPtr word :
       {"qdisc"_kj, "add"_kj, "dev"_kj, interface_.asPtr(), "root"_kj, "handle"_kj, kHandle}) {
    words.add(kj::str(word));
  }
  for (auto& word : qdiscWords(spec)) words.add(kj::str(word));
  tc(words);
  if (read() == nullptr) {
    support::fail(Kind::SYSTEM, "tc said that it worked, but interface ", interface_,
                  " does not show it");
  }
}

kj::Maybe<QdiscListing> Qdisc::read() const {
  KJ_IF_MAYBE (listing, root()) {
    if (listing->isOurs()) return kj::mv(*listing);
  }
  return nullptr;
}

kj::Maybe<QdiscListing> Qdisc::remove() const {
  KJ_IF_MAYBE (listing, read()) {
    tc(kj::arr(kj::str("qdisc"), kj::str("del"), kj::str("dev"), kj::str(interface_),
               kj::str("root"), kj::str("handle"), kj::str(kHandle)));
    if (read() != nullptr) {
      support::fail(Kind::SYSTEM, "tc said that it worked, but interface ", interface_,
                    " still shows it");
    }
    return kj::mv(*listing);
  }
  return nullptr;
}

}  // namespace nodeagent::netfault
