// Names the person for whom this process acts, to other people who share the nodes.
#pragma once

#include <string>

namespace harness {

// Names the person where that is not the user of this machine, as in a CI job that many share.
inline constexpr char kUserVariable[] = "MUSTER_USER";

// Returns $MUSTER_USER, or else the user of the process and the host: "alice@build7". At most 200
// bytes, without control characters.
std::string currentUser();

}  // namespace harness
