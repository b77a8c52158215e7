// Kills the agent of a node, for the tests of this directory.
#pragma once

#include <muster/muster.h>

namespace agent_tests {

// Kills the agent's front with SIGKILL and waits until the controller has connected again.
void killFront(const muster::Node& node);

// Kills keeper and front with SIGKILL and waits until the controller has reached their successors.
// It kills the processes that keep detached commands, too.
void killAgent(const muster::Node& node);

// Kills the keeper with SIGKILL, with which the front ends, and waits as killAgent does.
void killKeeper(const muster::Node& node);

// Counts the lines of a file on the node that are `line`. 0 if there is no such file.
size_t countLines(const muster::Node& node, const std::string& path, const std::string& line);

}  // namespace agent_tests
