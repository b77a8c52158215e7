// Runs as the first process of a bare node: it takes the name in /etc/hostname, starts the agent,
// starts it again when it ends, reaps orphans, and runs the node's boot script once. It is no
// service manager: processes that the boot script leaves running are the script's own business.
//
// It is a plain blocking loop over signals, without kj's event loop, because it must outlive
// everything and waits for nothing but signals and one timer.
#pragma once

#include <kj/array.h>
#include <kj/string.h>

namespace nodeagent {

struct InitOptions {
  // The agent's program and arguments. It is started at once, and again after 50 ms to 2 s whenever
  // it ends.
  kj::Array<kj::String> agent;

  // A script that is run once as root by execve, after the agent was started; its output goes to
  // bootLog. Empty, or a path that does not exist: none.
  kj::String bootScript;
  // Truncated at each start of the node.
  kj::String bootLog;

  // A file that is made as a whole when the boot script has ended, or at once if there is none:
  // "exit N\n" or "signal N\n". It is removed at the start. Empty: it is not written.
  kj::String bootStatus;
};

// Runs until SIGTERM, SIGINT or SIGPWR; then ends every process of the node (TERM, 2 s, KILL) and
// returns 0. SIGHUP is passed on to the agent. Returns 70 with a line on stderr unless the caller
// is process 1 of a PID namespace, because it signals every process that it can see.
int runInit(const InitOptions& options);

}  // namespace nodeagent
