// The commands by which a script on a node speaks to the test and to scripts on other nodes:
// nodeagent notify, wait, barrier and report. They are processes of their own, which ask the agent
// over its socket and block. Nothing here runs in the agent.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "schema/support/base/exit_status.h"

namespace nodeagent {

// The exit status of a wait that took too long, as of timeout(1).
constexpr int kExitTimedOut = 124;

// The exit status of a wait that will not succeed.
constexpr int kExitWaitFailed = 1;

// Returns whether `arguments` begin with one of the commands.
bool isSyncCommand(const std::vector<std::string>& arguments);

// Runs the command and returns its exit status. Answers go to standard output, and what went wrong
// to standard error. Throws support::UsageError for a wrong command line, before anything is sent.
int runSyncCommand(const std::vector<std::string>& arguments,
                   const std::map<std::string, std::string>& environment);

// Returns the lines of `nodeagent --help` about the commands.
std::string syncHelpText();

}  // namespace nodeagent
