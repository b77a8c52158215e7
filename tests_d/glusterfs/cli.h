// Runs the gluster command on a node, and waits for what gluster does in its own time.
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

// What a command may take. gluster gives up by itself after 120 s; a healthy answer takes 0.1 s, a
// start or stop of a volume 2 s, the start of a rebalance 10 s.
inline constexpr std::chrono::seconds kCommandMax{60};

// Runs `gluster --mode=script --xml ARGUMENTS` and gives its answer to one of the parsers in xml.h.
// CliError kNoAnswer if it did not exit by itself; NodeError as Node::run.
CliResult run(const muster::Node& node, const std::vector<std::string>& arguments,
              Where where = Where::current());

// The same on all nodes at once, in their order. The NodeError of the first node that has one is
// thrown.
std::vector<CliResult> runOnEach(const muster::NodeSet& nodes,
                                 const std::vector<std::string>& arguments,
                                 Where where = Where::current());

// A look at something that takes time to become right: empty if it is, or else one line that says
// what is not. For example `[&] { return volume.trouble(); }`.
using Look = std::function<std::string()>;

// Matches a Look that is empty at last: EXPECT_THAT([&] { return volume.trouble(); }, Clears(30s)).
// A look costs a gluster command or three, each a tenth of a second of a processor.
inline auto Clears(std::chrono::nanoseconds within) {
  return muster::Eventually(testing::Matcher<const std::string&>(""), within,
                            std::chrono::milliseconds(300));
}

// The same outside of an expectation. std::runtime_error with `what` and the last look if `within`
// passes.
void awaitClear(const std::string& what, const Look& look, std::chrono::nanoseconds within);

// Calls `ask` and gives its CliError as the text of a Look, for answers that are refused for a
// while, such as those of a server that has just come back.
std::string troubleOf(const Look& ask);

// Lower-case SHA-256 of one file, by a command, so that a mount that hangs ends with its deadline.
// std::runtime_error if the file cannot be read.
std::string digest(const muster::Node& node, const std::string& path,
                   Where where = Where::current());

// One SHA-256 over names and contents of all regular files below `directory`, without `.glusterfs`.
// Equal trees have equal digests, on a mount and on a brick that holds whole files.
std::string treeDigest(const muster::Node& node, const std::string& directory,
                       Where where = Where::current());

}  // namespace gluster
