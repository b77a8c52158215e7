// Opens a port in the node's firewall.
//
// A packet is let in only if every chain that filters what comes in lets it, so each gets a rule,
// before its others. The rule carries the id of its change, by which it is found again.
#include <errno.h>
#include <stdlib.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "nodeagent/change/checks.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using Kind = wire::Error::Kind;

// Tables of the agent's own faults begin with this, and drop what they shall.
constexpr const char* kOwnTables = "muster_";

// A chain of nftables that filters what comes in.
struct Chain {
  std::string family;
  std::string table;
  std::string name;

  // iptables does not show rules that others have made in its chains, so it makes them itself.
  bool isOfIptables() const {
    return (family == "ip" || family == "ip6") && table == "filter" && name == "INPUT";
  }
};

// Reads what `nft list chains` shows: tables, their chains, and "type filter hook input …".
std::vector<Chain> inputChains(const std::string& listing) {
  std::vector<Chain> chains;
  std::istringstream lines(listing);
  Chain current;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream rest(line);
    std::string first, second, third, fourth;
    rest >> first >> second >> third >> fourth;
    if (first == "table") {
      current = {second, third, ""};
    } else if (first == "chain") {
      current.name = second;
    } else if (first == "type" && second == "filter" && third == "hook" && fourth == "input" &&
               !current.table.starts_with(kOwnTables)) {
      chains.push_back(current);
    }
  }
  return chains;
}

bool contains(const CommandResult& result, const char* text) {
  std::string output(result.output.asChars().begin(), result.output.size());
  return output.find(text) != std::string::npos;
}

// A firewall that cannot be looked at would stay closed. Older iptables has chains that nftables
// does not show.
std::vector<Chain> inputChains(const Surroundings& node) {
  auto argv = words({"nft", "list", "chains"});
  CommandResult listed = node.run(argv, kToolNs);
  bool hasNft = listed.end != CommandResult::End::kNotStarted || listed.value != ENOENT;
  std::vector<Chain> chains;
  if (hasNft) chains = inputChains(runTool(node, "nftables", argv).cStr());
  bool hasIptables = false;
  for (auto [family, program] : {std::pair("ip", "iptables"), std::pair("ip6", "ip6tables")}) {
    auto ask = words({program, "-V"});
    CommandResult version = node.run(ask, kToolNs);
    if (!version.succeeded()) continue;
    hasIptables = true;
    if (!hasNft || contains(version, "legacy")) chains.push_back({family, "filter", "INPUT"});
  }
  if (hasNft || hasIptables) return chains;
  support::fail(Kind::UNSUPPORTED,
                "the node has neither nft nor iptables; install the package nftables");
}

kj::StringPtr protocolOf(const Values& values) {
  return values.get("protocol");
}

kj::String markOf(const support::Id& id) {
  return kj::str("muster-", id.text().c_str());
}

kj::Array<kj::String> iptablesWords(const Chain& chain, kj::StringPtr action, const support::Id& id,
                                    const Values& values) {
  return words({chain.family == "ip" ? "iptables" : "ip6tables", "-w", "5", action, "INPUT", "-p",
                protocolOf(values), "--dport", values.get("port"), "-m", "comment", "--comment",
                markOf(id), "-j", "ACCEPT"});
}

class PortKind final : public ChangeKind {
 public:
  kj::StringPtr name() const override { return "port"; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto port = from.getPort();
    if (port.getPort() == 0) {
      support::fail(Kind::INVALID, "port.port: 0 is not between 1 and 65535");
    }
    Values values;
    values.add("port", decimal(port.getPort()));
    values.add("protocol", port.getIsUdp() ? "udp" : "tcp");
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("opens ", protocolOf(values), " port ", values.get("port"));
  }

  void prepare(const Surroundings&, const support::Id&, Values&) const override {}

  void make(const Surroundings& node, const support::Id& id, Values& values) const override {
    std::vector<Chain> chains = inputChains(node);
    for (const Chain& chain : chains) {
      if (chain.isOfIptables()) {
        runTool(node, "iptables", iptablesWords(chain, "-I", id, values));
        continue;
      }
      runTool(node, "nftables",
              words({"nft", "insert", "rule", chain.family.c_str(), chain.table.c_str(),
                     chain.name.c_str(), protocolOf(values), "dport", values.get("port"), "accept",
                     "comment", markOf(id)}));
    }
    values.add("detail.chains", decimal(chains.size()));
  }

  // A chain that is gone took its rules along.
  void undo(const Surroundings& node, const support::Id& id, const Values& values) const override {
    for (const Chain& chain : inputChains(node)) {
      if (chain.isOfIptables()) {
        auto check = iptablesWords(chain, "-C", id, values);
        if (!node.run(check, kToolNs).succeeded()) continue;
        runTool(node, "iptables", iptablesWords(chain, "-D", id, values));
      } else {
        removeRules(node, chain, id);
      }
    }
  }

 private:
  // Each line of a rule ends with "# handle N".
  static void removeRules(const Surroundings& node, const Chain& chain, const support::Id& id) {
    auto argv = words({"nft", "-a", "list", "chain", chain.family.c_str(), chain.table.c_str(),
                       chain.name.c_str()});
    CommandResult listed = node.run(argv, kToolNs);
    if (!listed.succeeded()) return;
    std::istringstream lines(std::string(listed.output.asChars().begin(), listed.output.size()));
    std::string mark = markOf(id).cStr();
    for (std::string line; std::getline(lines, line);) {
      size_t handle = line.rfind("# handle ");
      if (line.find(mark) == std::string::npos || handle == std::string::npos) continue;
      uint64_t number = strtoull(line.c_str() + handle + sizeof("# handle ") - 1, nullptr, 10);
      runTool(node, "nftables",
              words({"nft", "delete", "rule", chain.family.c_str(), chain.table.c_str(),
                     chain.name.c_str(), "handle", decimal(number)}));
    }
  }
};

}  // namespace

kj::Own<ChangeKind> newPortKind() {
  return kj::heap<PortKind>();
}

}  // namespace nodeagent::change
