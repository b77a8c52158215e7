// Turns the addresses of a host name into endpoints to connect to. It looks nothing up.
#pragma once

#include <sys/socket.h>

#include <vector>

#include "harness/cluster/description.h"

namespace harness {

// Returns the endpoints of a route whose host name has these addresses, in their order. Plain TCP
// goes to loopback only, whatever a name says: other addresses are left out then.
std::vector<support::Endpoint> endpointsOf(const AgentRoute& route,
                                           const std::vector<sockaddr_storage>& addresses);

}  // namespace harness
