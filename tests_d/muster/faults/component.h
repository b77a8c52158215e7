// What the tests of this directory share: looks from the nodes, and at them.
#pragma once

#include <string>

#include <muster/muster.h>

namespace faults {

// Tells whether a packet of `from` reaches `to` and the answer comes back.
bool pings(const muster::Node& from, const muster::Node& to);

// Returns the node's tables of nftables that are Muster's, one a line.
std::string tablesOf(const muster::Node& node);

// Kills the node's keeper, which is the parent of commands, and waits until the next one answers.
void killKeeper(muster::Node& node);

}  // namespace faults
