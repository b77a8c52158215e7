// Processes of the agent's own program that an effect needs: they are started, looked at and ended
// here. All calls block, so they belong on worker threads.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/netfault/processes.h"

namespace nodeagent::netfault {

// The agent's program with its words. All is borrowed, and the caller closes the descriptors.
struct OwnProgram {
  // Empty: it is not known, which is a failure of kind unsupported.
  kj::StringPtr program;
  kj::ArrayPtr<const kj::String> words;
  int input = -1;
  int output = -1;
  int errors = -1;
  // Absent: it is the keeper's.
  kj::Maybe<int> oomScore;
};

// Starts the program, and returns when it runs. The process is named `name` to people. Fails with
// the kind of the errno, and with system if it does not run in time.
ProcessRef startOwnProgram(const OwnProgram& program, kj::StringPtr name, int64_t limitNs);

// Runs the program, and returns when it has ended well, which it does once a child of its own goes
// on. Fails with kind system if it does not end well in time.
void runOwnProgram(const OwnProgram& program, int64_t limitNs);

// Tells whether exactly this process has not ended.
bool lives(const ProcessRef& process);

// Kills it, waits until it has ended, and reaps it if it is a child. Fails with kind system if it
// does not end.
void killOwnProcess(const ProcessRef& process);

}  // namespace nodeagent::netfault
