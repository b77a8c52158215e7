// The words of a session's end: what is called then, why it ends, and what stays undone.
#pragma once

#include <kj/string.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent {

// Something that could not be undone.
struct Leftover {
  kj::String what;
  support::Failure reason;
};

enum class EndPhase {
  // Stops something that runs, such as a job. All of these are called first, together.
  kStop,
  // Undoes a change, such as to a file. These are called afterwards, one after the other, the
  // newest first.
  kUndo,
  // Changes nothing on the node by itself, and is called as kUndo is.
  kTidy
};

enum class EndReason { kClosed, kExpired, kKeeperStops };

}  // namespace nodeagent
