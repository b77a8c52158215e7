// What the tests of this directory share.
#pragma once

#include <muster/muster.h>

namespace sync_tests {

// Kill the agent's front, or its keeper, with SIGKILL, and wait until the test is connected again.
void killFront(const muster::Node& node);
void killKeeper(const muster::Node& node);

// Returns options for the command of an unprivileged user.
muster::RunOptions asNobody();

// Waits until the test program knows of `count` commands that wait on the node, by the text of a
// wait that took too long.
void awaitWaiting(const muster::Node& node, size_t count);

}  // namespace sync_tests
