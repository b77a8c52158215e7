#include "harness/cluster/named_hosts.h"

#include <arpa/inet.h>

namespace harness {

std::vector<support::Endpoint> endpointsOf(const AgentRoute& route,
                                           const std::vector<sockaddr_storage>& addresses) {
  uint16_t port = htons(route.endpoint.port());
  bool isPlain = route.endpoint.transport == support::Transport::kTcp;
  std::vector<support::Endpoint> endpoints;
  for (const sockaddr_storage& address : addresses) {
    support::Endpoint endpoint;
    endpoint.transport = route.endpoint.transport;
    endpoint.address = address;
    if (address.ss_family == AF_INET6) {
      endpoint.addressBytes = sizeof(sockaddr_in6);
      reinterpret_cast<sockaddr_in6&>(endpoint.address).sin6_port = port;
    } else {
      endpoint.addressBytes = sizeof(sockaddr_in);
      reinterpret_cast<sockaddr_in&>(endpoint.address).sin_port = port;
    }
    if (!isPlain || endpoint.loopback()) endpoints.push_back(endpoint);
  }
  return endpoints;
}

}  // namespace harness
