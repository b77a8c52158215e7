// What the tests of this directory share.
#pragma once

#include <string>
#include <vector>

#include <muster/muster.h>

namespace logs_tests {

// Writes a line with one write(2), as a program that logs does.
void append(const muster::Node& node, const std::string& path, const std::string& line);

// Kill the agent's front, or its keeper, with SIGKILL, and wait until the test is connected again.
void killFront(const muster::Node& node);
void killKeeper(const muster::Node& node);

std::vector<std::string> textsOf(const muster::LogSlice& slice);

}  // namespace logs_tests
