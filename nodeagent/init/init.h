// The first process of a bare node: starts the agent, starts it again when it ends, reaps, and runs
// the node's boot script once. It is no service manager: what the boot script leaves running is the
// script's own business.
//
// A plain blocking loop over signals, without kj's event loop: it must outlive everything and has
// nothing to wait for but signals and one timer.
#pragma once

#include <kj/array.h>
#include <kj/string.h>

namespace nodeagent {

struct InitOptions {
  // The agent: program and arguments. Started at once, and again after 50 ms to 2 s whenever it
  // ends.
  kj::Array<kj::String> agent;

  // Run once as root by execve, after the agent was started; its output goes to bootLog. Empty, or
  // a path that does not exist: none.
  kj::String bootScript;
  kj::String bootLog;  // Truncated at each start of the node.

  // Made when the boot script has ended, or at once if there is none: "exit N\n" or "signal N\n".
  // Appears whole. Removed at the start. Empty: not written.
  kj::String bootStatus;
};

// Runs until SIGTERM, SIGINT or SIGPWR; then ends every process of the node (TERM, 2 s, KILL) and
// returns 0. SIGHUP is passed on to the agent. Returns 70 with a line on stderr unless the caller
// is process 1 of a PID namespace: it signals every process that it can see.
int runInit(const InitOptions& options);

}  // namespace nodeagent
