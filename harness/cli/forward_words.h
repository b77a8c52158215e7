// Reads what `muster forward` is asked for.
#pragma once

#include <string>

#include "harness/rpc/forward/forward.h"

namespace harness {

// Reads "[LISTEN:]TARGET", where LISTEN is a port or the path of a unix socket. Throws
// std::invalid_argument with the part that is wrong and what would be right.
rpc::ForwardPlan forwardPlanOf(const std::string& text);

// "tcp:127.0.0.1:80" becomes "127.0.0.1:80".
std::string placeText(const std::string& endpoint);

}  // namespace harness
