#include "harness/cli/fault_words.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "harness/cli/clusters.h"
#include "harness/cli/command_error.h"
#include "harness/cli/node_fault_words.h"
#include "harness/cluster/node_expression.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

constexpr size_t kIdDigits = 32;
constexpr size_t kShortDigits = 8;
constexpr size_t kDigitsMin = 4;
// Bits a second.
constexpr uint64_t kRateMin = 8'000;
constexpr uint64_t kRateMax = 100'000'000'000;

std::vector<std::string> namesIn(const ClusterDescription& cluster, const std::string& set) {
  std::vector<std::string> names;
  for (const NodeDescription& node : chooseNodes(cluster, set)) names.push_back(node.name);
  return names;
}

std::string onlyName(const ClusterDescription& cluster, const std::string& set) {
  std::vector<std::string> names = namesIn(cluster, set);
  if (names.size() == 1) return names.front();
  throw CommandError(kExitData, "node set \"" + set + "\" is " + std::to_string(names.size()) +
                                    " nodes, where one is wanted");
}

// The nodes between the slashes.
std::vector<std::vector<std::string>> groupsIn(const std::vector<std::string>& words,
                                               const ClusterDescription& cluster) {
  std::vector<std::string> sets = {""};
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "/") {
      sets.emplace_back();
    } else {
      sets.back() += (sets.back().empty() ? "" : ",") + words[i];
    }
  }
  std::vector<std::vector<std::string>> groups;
  for (const std::string& set : sets) {
    if (set.empty()) {
      throw CommandError(kExitUsage, "a group has no node; write groups as in \"" + words[0] +
                                         (words[0] == "bridge" ? " server1 / server2 / server3\""
                                                               : " server1 / @client\""));
    }
    groups.push_back(namesIn(cluster, set));
  }
  return groups;
}

fault::Shape bridgeOf(const std::vector<std::string>& words, const ClusterDescription& cluster) {
  auto groups = groupsIn(words, cluster);
  if (groups.size() != 3) {
    throw CommandError(kExitUsage, "bridge takes three sets, as in \"bridge a / b / c\"");
  }
  if (groups[1].size() != 1) {
    throw CommandError(kExitData, "the middle of a bridge is one node, and not " +
                                      std::to_string(groups[1].size()));
  }
  return fault::bridge(groups[0], groups[1].front(), groups[2]);
}

fault::Shape ringOf(const std::vector<std::string>& words, const ClusterDescription& cluster) {
  std::vector<std::string> sets(words.begin() + 1, words.end());
  return fault::majorityRing(namesIn(cluster, joined(sets, ",")));
}

fault::Shape isolateOf(const std::string& set, const ClusterDescription& cluster) {
  std::string victim = onlyName(cluster, set);
  std::vector<std::string> others;
  for (const NodeDescription& node : cluster.nodes) {
    if (node.name != victim) others.push_back(node.name);
  }
  return fault::isolate(victim, std::move(others));
}

void requireWords(const std::vector<std::string>& words, size_t count, const std::string& form) {
  if (words.size() == count + 1) return;
  throw CommandError(kExitUsage, words[0] + " takes " + form);
}

}  // namespace

std::vector<std::string> faultKinds() {
  std::vector<std::string> kinds = nodeFaultKinds();
  for (const char* kind : {"bridge", "degrade", "isolate", "one-way", "partition", "ring"}) {
    kinds.emplace_back(kind);
  }
  std::sort(kinds.begin(), kinds.end());
  return kinds;
}

fault::Shape shapeOf(const std::vector<std::string>& words, const ClusterDescription& cluster) {
  const std::string& kind = words.at(0);
  fault::Shape shape;
  if (kind == "partition") {
    shape = fault::partition(groupsIn(words, cluster));
  } else if (kind == "bridge") {
    shape = bridgeOf(words, cluster);
  } else if (kind == "ring") {
    shape = ringOf(words, cluster);
  } else if (kind == "isolate") {
    requireWords(words, 1, "one node");
    shape = isolateOf(words[1], cluster);
  } else if (kind == "degrade") {
    requireWords(words, 1, "one node");
    return fault::degrade(onlyName(cluster, words[1]));
  } else if (kind == "one-way") {
    requireWords(words, 2, "two nodes, the sender first");
    shape = fault::oneWay(onlyName(cluster, words[1]), onlyName(cluster, words[2]));
  } else {
    throw CommandError(kExitUsage, "there is no fault \"" + kind + "\"; there are " +
                                       joined(faultKinds(), ", ") +
                                       support::suggestion(kind, faultKinds()));
  }
  try {
    fault::check(shape, muster::FaultOptions{});
  } catch (const muster::NodeError& error) {
    throw CommandError(kExitData, error.detail());
  }
  return shape;
}

double shareOf(const std::string& value) {
  char* end = nullptr;
  double share = std::strtod(value.c_str(), &end);
  if (end == value.c_str() || (*end != '\0' && std::string(end) != "%")) return -1;
  return *end == '%' ? share / 100 : share;
}

std::string shareProblem(const std::string& value) {
  double share = shareOf(value);
  if (share >= 0 && share <= 1) return "";
  return "is not a share from 0% to 100%, such as 5% or 0.05";
}

uint64_t rateOf(const std::string& value) {
  size_t digits = value.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string::npos || digits > 12) return 0;
  uint64_t number = std::strtoull(value.c_str(), nullptr, 10);
  for (auto [unit, factor] :
       {std::pair{"bit", 1ULL}, std::pair{"kbit", 1000ULL}, std::pair{"mbit", 1'000'000ULL},
        std::pair{"gbit", 1'000'000'000ULL}}) {
    if (value.substr(digits) == unit) return number <= kRateMax / factor ? number * factor : 0;
  }
  return 0;
}

std::string rateProblem(const std::string& value) {
  if (rateOf(value) >= kRateMin) return "";
  return "is not a rate from 8kbit to 100gbit, such as 500kbit or 8mbit";
}

std::string lossProblem(const std::string& value) {
  double share = shareOf(value);
  if (share >= 0.01 && share <= 1) return "";
  return "is not a share from 1% to 100%, such as 20% or 0.2";
}

std::string protocolProblem(const std::string& value) {
  return value == "any" || value == "tcp" || value == "udp" ? "" : "is not any, tcp or udp";
}

muster::FaultOptions::Protocol protocolOf(const std::string& value) {
  using Protocol = muster::FaultOptions::Protocol;
  return value == "tcp" ? Protocol::kTcp : value == "udp" ? Protocol::kUdp : Protocol::kAny;
}

std::vector<FaultRow> rowsOf(const Answers<std::vector<FaultInfo>>& answers) {
  std::vector<FaultRow> rows;
  for (const auto& [node, infos] : answers.given) {
    for (const FaultInfo& info : infos) rows.emplace_back(node.name, info);
  }
  return rows;
}

ChosenFaults chooseFaults(const std::vector<std::string>& words,
                          const std::vector<FaultRow>& known) {
  ChosenFaults chosen;
  for (const std::string& word : words) {
    bool isId = word.size() >= kDigitsMin && word.size() <= kIdDigits &&
                word.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!isId) {
      throw CommandError(kExitUsage, "\"" + word +
                                         "\" is not a fault such as 3fa91c20, as "
                                         "`muster fault list` shows it");
    }
    std::set<std::string> found;
    for (const auto& [node, info] : known) {
      if (info.id.starts_with(word)) found.insert(info.id);
    }
    if (found.size() > 1) {
      throw CommandError(kExitData, "\"" + word + "\" fits several faults; give more of the id");
    }
    if (found.empty()) {
      chosen.unknown.push_back(word);
    } else {
      chosen.ids.push_back(*found.begin());
    }
  }
  return chosen;
}

std::string shortId(const std::string& id) {
  return id.substr(0, kShortDigits);
}

std::string faultTable(const std::vector<FaultRow>& rows) {
  std::vector<std::vector<std::string>> cells = {{"FAULT", "KIND", "NODE", "PEERS", "STATE",
                                                  "SINCE", "REMAINING", "DROPPED", "OWNER",
                                                  "WITNESS"}};
  auto now = std::chrono::system_clock::now();
  for (const auto& [node, info] : rows) {
    auto age = std::max<std::chrono::nanoseconds>(now - info.since, std::chrono::nanoseconds(0));
    cells.push_back({shortId(info.id), info.title, node, foldNodeNames(info.peers),
                     toString(info.state), ageText(age), ageText(info.remaining),
                     std::to_string(info.packets), info.owner, info.witness});
  }
  return table(cells);
}

Json faultJson(const FaultRow& row) {
  const FaultInfo& info = row.second;
  auto since = std::chrono::duration<double>(info.since.time_since_epoch()).count();
  return {{"id", info.id},
          {"kind", info.title},
          {"node", row.first},
          {"peers", info.peers},
          {"state", toString(info.state)},
          {"effect", info.text},
          {"since", since},
          {"remaining_seconds", std::chrono::duration<double>(info.remaining).count()},
          {"held", info.isHeld},
          {"owner", info.owner},
          {"packets", info.packets},
          {"bytes", info.bytes},
          {"witness", info.witness},
          {"reason", info.reason}};
}

Answers<std::vector<FaultInfo>> askFaults(const Reachable& reachable,
                                          std::chrono::nanoseconds timeout) {
  Answers<std::vector<FaultInfo>> answers;
  answers.errors = reachable.errors;
  answers.take(reachable.nodes,
               rpc::listFaults(reachable.connected, std::chrono::steady_clock::now() + timeout));
  return answers;
}

}  // namespace harness
