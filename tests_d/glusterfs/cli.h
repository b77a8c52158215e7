// Runs the gluster command on a node, and waits until gluster has finished work in the background.
#pragma once

#include <chrono>
#include <functional>
#include <source_location>
#include <string>
#include <vector>

#include <muster/muster.h>

#include "tests_d/glusterfs/xml.h"

namespace gluster {

using Where = std::source_location;

// The deadline of a gluster command. gluster gives up by itself after 120 s. A healthy answer takes
// 0.1 s, a start or stop of a volume 2 s, and the start of a rebalance 10 s.
inline constexpr std::chrono::seconds kCommandMax{60};

// Runs `gluster --mode=script --xml ARGUMENTS` and returns its answer for one of the parsers in
// xml.h. Throws CliError kNoAnswer if it did not exit by itself, and NodeError as Node::run does.
CliResult run(const muster::Node& node, const std::vector<std::string>& arguments,
              Where where = Where::current());

// Runs the command on all nodes at once, and returns the answers in the order of the nodes. Throws
// the NodeError of the first node that has one.
std::vector<CliResult> runOnEach(const muster::NodeSet& nodes,
                                 const std::vector<std::string>& arguments,
                                 Where where = Where::current());

// A check of a condition that takes time to become true. It returns an empty text if the condition
// holds, and else one line that says what is wrong. An example is
// `[&] { return volume.trouble(); }`.
using Check = std::function<std::string()>;

// Matches a Check that returns an empty text at last, as in
// EXPECT_THAT([&] { return volume.trouble(); }, Clears(30s)).
// One call of a check runs up to three gluster commands of a tenth of a processor second each.
inline auto Clears(std::chrono::nanoseconds within) {
  return muster::Eventually(testing::Matcher<const std::string&>(""), within,
                            std::chrono::milliseconds(300));
}

// Waits outside of an expectation until `check` returns an empty text. Throws std::runtime_error
// with `what` and the last text if `within` passes first.
void awaitClear(const std::string& what, const Check& check, std::chrono::nanoseconds within);

// Calls `ask` and turns its CliError into the text of a Check. It is for answers that gluster
// refuses for a while, such as those of a server that has just come back.
std::string troubleOf(const Check& ask);

// Returns the lower-case SHA-256 of one file. A command computes it, so that the deadline also ends
// a mount that hangs. Throws std::runtime_error if the file cannot be read.
std::string digest(const muster::Node& node, const std::string& path,
                   Where where = Where::current());

// Returns one SHA-256 over names and contents of all regular files below `directory`, except those
// in `.glusterfs`. Equal trees have equal digests, on a mount and on a brick that holds whole
// files.
std::string treeDigest(const muster::Node& node, const std::string& directory,
                       Where where = Where::current());

}  // namespace gluster
