#include "nodeagent/netfault/nft_table.h"

#include <errno.h>
#include <stdlib.h>

#include <vector>

#include <kj/vector.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;
using Protocol = wire::Drop::Protocol;

constexpr int64_t kLimitNs = 5'000'000'000;
constexpr kj::StringPtr kSet4 = "peers4"_kj;
constexpr kj::StringPtr kSet6 = "peers6"_kj;
constexpr kj::StringPtr kChain = "input"_kj;

// Returns the condition behind the address, such as " tcp dport 80".
kj::String condition(const FaultSpec& spec, kj::StringPtr direction) {
  kj::StringPtr protocols = spec.protocol == Protocol::TCP   ? "tcp"_kj
                            : spec.protocol == Protocol::UDP ? "udp"_kj
                                                             : "{ tcp, udp }"_kj;
  bool isNamed = spec.protocol != Protocol::ANY || spec.port != 0;
  kj::String text = isNamed ? kj::str(" meta l4proto ", protocols) : kj::str();
  if (spec.port != 0) text = kj::str(text, " th ", direction, " ", spec.port);
  if (spec.partsPerMillion == 0) return text;
  return kj::str(text, " numgen random mod ", kMillion, " < ", spec.partsPerMillion);
}

// Returns a set with its rules; empty if there are no addresses of the family.
kj::String familyText(const FaultSpec& spec, kj::StringPtr table, kj::StringPtr type,
                      kj::StringPtr match, kj::StringPtr set,
                      kj::ArrayPtr<const kj::String> addresses) {
  if (addresses.size() == 0) return kj::str();
  kj::String text =
      kj::str("add set inet ", table, " ", set, " { type ", type, "; flags timeout; }; ");
  auto addRule = [&](kj::StringPtr direction) {
    text = kj::str(text, "add rule inet ", table, " ", kChain, " ", match, " @", set,
                   condition(spec, direction), " counter drop; ");
  };
  addRule("dport"_kj);
  if (spec.port != 0 && spec.fromPort) addRule("sport"_kj);
  return text;
}

kj::String elementsText(kj::StringPtr table, kj::StringPtr set,
                        kj::ArrayPtr<const kj::String> addresses, int64_t holdNs) {
  if (addresses.size() == 0) return kj::str();
  auto elements = KJ_MAP(address, addresses) {
    return kj::str(address, " timeout ", holdNs / 1'000'000, "ms");
  };
  return kj::str("add element inet ", table, " ", set, " { ", kj::strArray(elements, ", "), " }; ");
}

kj::String allElements(const FaultSpec& spec, kj::StringPtr table, int64_t holdNs) {
  return kj::str(elementsText(table, kSet4, spec.addresses4, holdNs),
                 elementsText(table, kSet6, spec.addresses6, holdNs));
}

// Splits a listing into words; braces and commas are words of their own, and so is the end of a
// line, as "\n".
std::vector<std::string> wordsOf(kj::StringPtr text) {
  std::vector<std::string> words;
  std::string word;
  auto end = [&]() {
    if (!word.empty()) words.push_back(word);
    word.clear();
  };
  for (char c : text) {
    bool isMark = c == '{' || c == '}' || c == ',' || c == '\n';
    if (isMark || c == ' ' || c == '\t') {
      end();
      if (isMark) words.emplace_back(1, c);
    } else {
      word += c;
    }
  }
  end();
  return words;
}

// Reads one listing, block by block.
class Reader {
 public:
  Reader(kj::StringPtr text, kj::StringPtr table) : words_(wordsOf(text)), table_(table.cStr()) {}

  Listing read() {
    skipLines();
    listing_.isOurs = next() == "table" && next() == "inet" && next() == table_ && next() == "{";
    for (skipLines(); listing_.isOurs && !atEnd(); skipLines()) {
      std::string kind = next();
      if (kind == "}") break;
      std::string name = next();
      listing_.isOurs = next() == "{";
      if (kind == "set" && (name == kSet4.cStr() || name == kSet6.cStr())) {
        readSet();
      } else if (kind == "chain" && name == kChain.cStr()) {
        readChain();
      } else {
        listing_.isOurs = false;
      }
    }
    return listing_;
  }

 private:
  bool atEnd() const { return at_ >= words_.size(); }
  std::string next() { return atEnd() ? std::string() : words_[at_++]; }
  void skipLines() {
    while (!atEnd() && words_[at_] == "\n") ++at_;
  }

  // Each element is an address, followed by its times.
  void readSet() {
    while (!atEnd() && words_[at_] != "}") {
      if (next() != "elements") continue;
      next();
      next();
      bool isAddress = true;
      while (!atEnd() && words_[at_] != "}") {
        std::string word = next();
        if (word == "\n") continue;
        if (isAddress) listing_.addresses.insert(word);
        isAddress = word == ",";
      }
      ++at_;
    }
    ++at_;
  }

  void readChain() {
    std::vector<std::string> line;
    size_t depth = 0;
    while (!atEnd() && (depth > 0 || words_[at_] != "}")) {
      std::string word = next();
      if (word == "{") ++depth;
      if (word == "}") --depth;
      if (word != "\n") {
        line.push_back(word);
        continue;
      }
      readRule(line);
      line.clear();
    }
    ++at_;
  }

  void readRule(const std::vector<std::string>& line) {
    if (line.size() > 4 && line[0] == "type" && line[2] == "hook" && line[3] == "input") {
      listing_.hasHook = true;
    }
    if (line.empty() || line.back() != "drop") return;
    ++listing_.dropRules;
    for (size_t i = 0; i + 1 < line.size(); ++i) {
      uint64_t number = strtoull(line[i + 1].c_str(), nullptr, 10);
      if (line[i] == "packets") listing_.packets += number;
      if (line[i] == "bytes") listing_.bytes += number;
    }
  }

  std::vector<std::string> words_;
  std::string table_;
  size_t at_ = 0;
  Listing listing_;
};

bool contains(kj::StringPtr text, const char* part) {
  return std::string_view(text.begin(), text.size()).find(part) != std::string_view::npos;
}

kj::String textOf(kj::ArrayPtr<const kj::byte> output) {
  return kj::heapString(output.asChars().begin(), output.size());
}

constexpr const char* kAbsent = "No such file or directory";

}  // namespace

RunTool runTool() {
  return [](kj::ArrayPtr<const kj::String> argv) {
    CommandOutput output;
    output.bytesMax = kToolOutputBytesMax;
    return runCommand(argv, kLimitNs, output);
  };
}

kj::String tableName(const support::Id& id) {
  return kj::str("muster_", id.text().c_str());
}

kj::String makeText(const FaultSpec& spec, kj::ArrayPtr<const uint16_t> controlPorts,
                    int64_t holdNs) {
  kj::String table = tableName(spec.id);
  // Before the filters of others, so that their rules neither hide nor replace the fault. Of chains
  // with one priority the kernel asks the newest first.
  kj::String text = kj::str("add table inet ", table, "; add chain inet ", table, " ", kChain,
                            " { type filter hook input priority -150; policy accept; }; ");
  auto letThrough = [&](kj::StringPtr direction, const std::set<uint16_t>& ports) {
    if (ports.empty()) return;
    kj::Vector<uint16_t> list;
    for (uint16_t port : ports) list.add(port);
    text = kj::str(text, "add rule inet ", table, " ", kChain, " tcp ", direction, " { ",
                   kj::strArray(list, ", "), " } accept; ");
  };
  std::set<uint16_t> ports(controlPorts.begin(), controlPorts.end());
  letThrough("dport", ports);
  ports.insert(spec.peerPorts.begin(), spec.peerPorts.end());
  letThrough("sport", ports);
  return kj::str(text, familyText(spec, table, "ipv4_addr", "ip saddr", kSet4, spec.addresses4),
                 familyText(spec, table, "ipv6_addr", "ip6 saddr", kSet6, spec.addresses6),
                 allElements(spec, table, holdNs));
}

kj::String holdText(const FaultSpec& spec, int64_t holdNs) {
  // An element that is added again keeps its old timeout, so the sets are emptied in the same
  // transaction, which no packet sees.
  kj::String table = tableName(spec.id);
  auto flush = [&](kj::StringPtr set, kj::ArrayPtr<const kj::String> addresses) {
    return addresses.size() == 0 ? kj::str() : kj::str("flush set inet ", table, " ", set, "; ");
  };
  return kj::str(flush(kSet4, spec.addresses4), flush(kSet6, spec.addresses6),
                 allElements(spec, table, holdNs));
}

Listing parseListing(kj::StringPtr text, kj::StringPtr table) {
  return Reader(text, table).read();
}

void requireShown(const Listing& listing, const FaultSpec& spec) {
  auto fail = [](auto&&... what) {
    support::fail(Kind::SYSTEM, "nft said that it worked, but the kernel shows ", what...);
  };
  if (!listing.isOurs || !listing.hasHook) fail("no chain of the fault");
  size_t perFamily = spec.port != 0 && spec.fromPort ? 2 : 1;
  size_t families = (spec.addresses4.size() > 0) + size_t(spec.addresses6.size() > 0);
  if (listing.dropRules != perFamily * families) {
    fail(listing.dropRules, " rules instead of ", perFamily * families);
  }
  for (auto addresses : {spec.addresses4.asPtr(), spec.addresses6.asPtr()}) {
    for (auto& address : addresses) {
      if (listing.addresses.count(address.cStr()) == 0) fail("no element ", address);
    }
  }
}

NftTable::NftTable(const support::Id& id, RunTool run) : name_(tableName(id)), run_(kj::mv(run)) {}

kj::Array<kj::byte> NftTable::nft(kj::ArrayPtr<const kj::StringPtr> words) const {
  kj::Vector<kj::String> argv;
  argv.add(kj::str("nft"));
  for (auto word : words) argv.add(kj::str(word));
  CommandResult result = run_(argv);
  if (result.succeeded()) return kj::mv(result.output);
  if (result.end == CommandResult::End::kNotStarted && result.value == ENOENT) {
    support::fail(Kind::UNSUPPORTED,
                  "the node has no program nft, which faults need; install its package nftables");
  }
  kj::String output = textOf(result.output);
  if (contains(output, kAbsent) && words[0] == "list"_kj) return nullptr;
  auto lines = lastLines(result.output, 50);
  kj::String what = lines.size() == 0 ? describeEnd(result) : kj::mv(lines[0]);
  Kind kind = contains(output, "not permitted")   ? Kind::DENIED
              : contains(output, "not supported") ? Kind::UNSUPPORTED
                                                  : Kind::SYSTEM;
  support::fail(kind, "nft: ", what);
}

void NftTable::make(const FaultSpec& spec, kj::ArrayPtr<const uint16_t> controlPorts,
                    int64_t holdNs) const {
  kj::String text = makeText(spec, controlPorts, holdNs);
  nft(kj::arr<kj::StringPtr>(text));
}

void NftTable::hold(const FaultSpec& spec, int64_t holdNs) const {
  kj::String text = holdText(spec, holdNs);
  nft(kj::arr<kj::StringPtr>(text));
}

kj::Maybe<Listing> NftTable::read() const {
  kj::String text = textOf(nft(kj::arr<kj::StringPtr>("list", "table", "inet", name_)));
  if (text.size() == 0) return nullptr;
  Listing listing = parseListing(text, name_);
  listing.isForeign = !listing.isOurs;
  return listing;
}

Listing NftTable::remove() const {
  KJ_IF_MAYBE (listing, read()) {
    if (!listing->isOurs) {
      support::fail(Kind::CONFLICT, "table inet ", name_,
                    " has something that is not ours; it stays as it is");
    }
    nft(kj::arr<kj::StringPtr>("delete", "table", "inet", name_));
    if (read() != nullptr) {
      support::fail(Kind::SYSTEM, "nft said that it worked, but table inet ", name_,
                    " is still there");
    }
    return kj::mv(*listing);
  }
  return {};
}

}  // namespace nodeagent::netfault
