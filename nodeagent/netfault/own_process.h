// Processes of the agent's own program that an effect needs: they are started, looked at and ended
// here. All calls block, so they belong on worker threads.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/netfault/processes.h"

namespace nodeagent::netfault {

// Are borrowed, and closed by the caller.
struct OwnStreams {
  int input = -1;
  int output = -1;
  int errors = -1;
};

// Runs the agent's program with these words, and returns when it has ended well, which it does once
// a child of its own goes on. Fails with kind unsupported if the program is not known, and system
// if it does not end well in time.
void runOwnProgram(kj::StringPtr program, kj::ArrayPtr<const kj::String> words,
                   const OwnStreams& streams, int64_t limitNs);

// Tells whether exactly this process has not ended.
bool lives(const ProcessRef& process);

// Kills it, waits until it has ended, and reaps it if it is a child. Fails with kind system if it
// does not end.
void killOwnProcess(const ProcessRef& process);

}  // namespace nodeagent::netfault
