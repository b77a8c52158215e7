// The words for changes of nodes on the command line: which change they ask for, which ones they
// name, and how changes are shown.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <muster/change_options.h>

#include "harness/cli/answers.h"
#include "harness/cli/table.h"
#include "harness/rpc/change/changes.h"

namespace harness {

// The kinds of changes: "address", "bridge", …
std::vector<std::string> changeKinds();

// Returns the change that a kind and its arguments ask for, such as "tmpfs /mnt/small 64M". Throws
// CommandError with kExitUsage for another form.
muster::ChangeSpec changeOf(const std::vector<std::string>& words);

// A change of one node, with the node's name.
using ChangeRow = std::pair<std::string, ChangeInfo>;

// Asks the nodes that can be reached.
Answers<std::vector<ChangeInfo>> askChanges(const Reachable& reachable,
                                            std::chrono::nanoseconds timeout);

std::vector<ChangeRow> rowsOf(const Answers<std::vector<ChangeInfo>>& answers);

// A table with a head.
std::string changeTable(const std::vector<ChangeRow>& rows);

Json changeJson(const ChangeRow& row);

// The rows whose ids begin with one of `words`, four digits at least; a word that none has is added
// to `unknown`. Throws CommandError with kExitUsage for a word that is no beginning of an id, and
// with kExitData for one that fits several changes.
std::vector<ChangeRow> chooseChanges(const std::vector<std::string>& words,
                                     const std::vector<ChangeRow>& known,
                                     std::vector<std::string>& unknown);

}  // namespace harness
