// The words for faults on the command line: which nodes those of the network part, which faults
// are meant, and how faults are shown. node_fault_words.h has those of single nodes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/cli/answers.h"
#include "harness/cli/table.h"
#include "harness/cluster/description.h"
#include "harness/fault/plan.h"
#include "harness/rpc/fault/faults.h"

namespace harness {

// The kinds of faults, those of nodes too, in order.
std::vector<std::string> faultKinds();

// Returns what the words ask for: "partition a / b,c", "isolate a", "one-way a b", "bridge a / b /
// c", "ring a,b,c,d", or "degrade a". Throws
// CommandError with kExitUsage for another form, and with kExitData for wrong sets and for nodes
// that cannot be parted, before any node is asked.
fault::Shape shapeOf(const std::vector<std::string>& words, const ClusterDescription& cluster);

// Reads a share of the packets, such as "20%" or "0.2".
double shareOf(const std::string& value);

// Say what is wrong with a share, with one that is not too small to be seen, and with a rate such
// as "8mbit"; empty for a right one.
std::string shareProblem(const std::string& value);
std::string lossProblem(const std::string& value);
std::string rateProblem(const std::string& value);

// Returns bits a second.
uint64_t rateOf(const std::string& value);

std::string protocolProblem(const std::string& value);
muster::FaultOptions::Protocol protocolOf(const std::string& value);

// One node's part of a fault, with the node's name.
using FaultRow = std::pair<std::string, FaultInfo>;

std::vector<FaultRow> rowsOf(const Answers<std::vector<FaultInfo>>& answers);

// The ids of faults that the words name, and the words for which there is none.
struct ChosenFaults {
  std::vector<std::string> ids;
  std::vector<std::string> unknown;
};

// A word is the beginning of an id, four digits at least. Throws CommandError with kExitUsage for
// another word, and with kExitData for one that fits several faults.
ChosenFaults chooseFaults(const std::vector<std::string>& words,
                          const std::vector<FaultRow>& known);

// A table with a head.
std::string faultTable(const std::vector<FaultRow>& rows);

Json faultJson(const FaultRow& row);

// The beginning of an id, which `heal` takes.
std::string shortId(const std::string& id);

// Asks the nodes that can be reached.
Answers<std::vector<FaultInfo>> askFaults(const Reachable& reachable,
                                          std::chrono::nanoseconds timeout);

}  // namespace harness
