// How a front knows that a keeper started it. What the two say to each other then is
// credential_handover.h.
#pragma once

namespace nodeagent {

// Holds the keeper's process id in the environment of a front that a keeper started. Such a front
// ends with the keeper, tells it by one line on standard output that it listens, and has a socket
// to it as standard input.
constexpr const char* kSupervisorVariable = "MUSTER_SUPERVISOR";

}  // namespace nodeagent
