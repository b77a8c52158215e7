// What a cluster is, once its nodes exist: names, roles, and where each node's agent answers.
//
// Plain values, made by a provisioner and read by the connections, the fixtures and the command.
// What a cluster
// should become before it exists is a plan: see plan.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace harness {

// Files of the caller's identity, in PEM. All empty: no TLS, which an agent accepts on unix sockets
// and loopback only.
struct TlsFiles {
  std::string authority;    // The cluster's certificate authority.
  std::string certificate;  // The caller's own, with a role in its common name.
  std::string key;
};

// Where an agent answers.
struct Endpoint {
  enum class Kind { kUnix, kTcp };

  Kind kind = Kind::kUnix;
  std::string address;  // A numeric IPv4 or IPv6 address, or the path of a socket.
  uint16_t port = 0;    // Of kTcp.

  // The network namespace to connect from, as a path such as /proc/123/ns/net. Empty: the caller's
  // own.
  std::string networkNamespace;

  TlsFiles tls;
};

struct NodeDescription {
  std::string name;  // Unique in the cluster; also the name in the agent's certificate.
  std::string role;  // "server", "client", or the plan's own word.
  std::map<std::string, std::string> labels;
  // On the network that the nodes share, without prefix length.
  std::vector<std::string> addresses;
  Endpoint endpoint;
};

struct ClusterDescription {
  std::string name;
  std::string provisioner;             // "local", "static", …
  std::vector<NodeDescription> nodes;  // In the order of the plan.
};

}  // namespace harness
