// Nemesis plans on the command line.
#pragma once

#include <string>
#include <vector>

#include "harness/fault/nemesis_plan.h"

namespace harness {

// Returns the nodes of a cluster, or of a cluster file whose cluster need not be up.
std::vector<nemesis::PlanNode> planNodesOf(const std::string& cluster);

// Reads a stored plan. Throws CommandError with kExitNoInput if it cannot be read, and with
// kExitData if it is wrong.
nemesis::Plan readPlanFile(const std::string& path);

// Stores a plan. Throws CommandError with kExitCannotCreate.
void writePlanFile(const std::string& path, const nemesis::Plan& plan);

// Returns "isolate" and the like.
std::vector<std::string> nemesisKinds();

// Says what is wrong with a list of kinds; empty for a right one.
std::string kindsProblem(const std::string& list);

// Returns the parts between the commas.
std::vector<std::string> partsOf(const std::string& list);

// Says what is wrong with a word that is neither a generator nor the path of a file.
std::string nemesisProblem(const std::string& word);

}  // namespace harness
