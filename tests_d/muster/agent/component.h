// What the self tests share: how to hurt the agent of a node.
#pragma once

#include <muster/muster.h>

namespace agent_tests {

// Kills the agent's front with SIGKILL and waits until the loss was noticed and mended.
void killFront(const muster::Node& node);

// Kills the whole agent, keeper and front, with SIGKILL, and waits until its successor is reached.
void killAgent(const muster::Node& node);

// How often `line` stands in a file of the node. 0 if there is no such file.
size_t countLines(const muster::Node& node, const std::string& path, const std::string& line);

}  // namespace agent_tests
