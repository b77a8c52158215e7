// The description of a cluster whose nodes exist, with names, roles, and the route to each agent.
//
// It has plain values, made by a provisioner and read by the connections, the fixtures and the
// command. A cluster that does not exist yet has a plan (plan.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "schema/support/base/endpoint.h"

namespace harness {

// Files of the caller's identity, in PEM. All empty: no TLS, which an agent accepts on unix sockets
// and loopback only.
struct TlsFiles {
  // The cluster's certificate authority.
  std::string authority;
  // The caller's own, with a role in its common name.
  std::string certificate;
  std::string key;
};

// How a controller reaches an agent.
struct AgentRoute {
  // With a host name it has the port, and no address of its own.
  support::Endpoint endpoint;

  // The host by its name, such as "node7.lab", looked up each time that a connection is made. The
  // agent's certificate still has the node's name. Empty: the endpoint has the address.
  std::string hostName;

  // For an endpoint with TLS, and there required.
  TlsFiles tls;

  // The network namespace to connect from, as a path such as /proc/123/ns/net. Empty: the caller's
  // own.
  std::string networkNamespace;

  // Returns "10.0.0.5:7411", "node7.lab:7411", or the path of a unix socket.
  std::string place() const {
    return hostName.empty() ? endpoint.place() : hostName + ":" + std::to_string(endpoint.port());
  }
};

struct NodeDescription {
  // Unique in the cluster; also the name in the agent's certificate.
  std::string name;
  // "server", "client", or the plan's own word.
  std::string role;
  std::map<std::string, std::string> labels;
  // On the network that the nodes share, without prefix length.
  std::vector<std::string> addresses;
  AgentRoute route;
};

struct ClusterDescription {
  std::string name;
  // Name of the kind that made it.
  std::string provisioner;
  // In the order of the plan.
  std::vector<NodeDescription> nodes;
};

}  // namespace harness
