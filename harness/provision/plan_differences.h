// PlanValues is the plan of a cluster as texts, kept with the cluster, by which a file that has
// changed since is found. What a file leaves to its defaults is written out, so that a default that
// is spelled out later is no difference.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace harness {

struct PlanValues {
  using Values = std::map<std::string, std::string>;

  // By key.
  Values cluster;
  // By the node's name and by key.
  std::map<std::string, Values> nodes;
};

// Returns "[rack: a, disk: ssd]".
std::string labelsText(const std::map<std::string, std::string>& labels);

// Returns a text for each difference, such as "server[1-2]: init was minimal, is systemd". Nodes
// with the same one share a text. There are a few at most, the last of which counts the rest, and
// long values are cut.
std::vector<std::string> differencesBetween(const PlanValues& made, const PlanValues& wanted);

}  // namespace harness
