#include "harness/provision/static/static.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/wait.h"
#include "harness/provision/error.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kAnswerTime{10};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress addressOf(const Endpoint& endpoint, const std::string& node) {
  SocketAddress result;
  if (endpoint.kind == Endpoint::Kind::kUnix) {
    auto* address = reinterpret_cast<sockaddr_un*>(&result.storage);
    address->sun_family = AF_UNIX;
    if (endpoint.address.size() >= sizeof address->sun_path) {
      throw ProvisionError("the path " + endpoint.address + " is too long for a socket", node);
    }
    std::memcpy(address->sun_path, endpoint.address.c_str(), endpoint.address.size() + 1);
    result.size = sizeof *address;
    return result;
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  if (::inet_pton(AF_INET, endpoint.address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    result.size = sizeof *v4;
    return result;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  if (::inet_pton(AF_INET6, endpoint.address.c_str(), &v6->sin6_addr) != 1) {
    throw ProvisionError("address \"" + endpoint.address + "\" is not a numeric one", node);
  }
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(endpoint.port);
  result.size = sizeof *v6;
  return result;
}

std::string nameOf(const Endpoint& endpoint) {
  if (endpoint.kind == Endpoint::Kind::kUnix) return endpoint.address;
  bool v6 = endpoint.address.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.address + "]" : endpoint.address) + ":" +
         std::to_string(endpoint.port);
}

// A connection that has been asked for.
Fd beginConnect(const Endpoint& endpoint, const std::string& node) {
  SocketAddress address = addressOf(endpoint, node);
  Fd socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) failSystem("socket");
  int result = ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address.storage), address.size);
  if (result != 0 && errno != EINPROGRESS) {
    throw ProvisionError("no agent answers at " + nameOf(endpoint) + ": " + std::strerror(errno),
                         node);
  }
  return socket;
}

[[noreturn]] void unsupported(const std::string& verb, const std::string& node) {
  throw ProvisionError(verb + ": unsupported: nodes of a static cluster are not made by muster",
                       node);
}

}  // namespace

ClusterDescription describeStatic(const ClusterPlan& plan) {
  ClusterDescription cluster;
  cluster.name = plan.name;
  cluster.provisioner = "static";
  for (const NodePlan& node : plan.nodes) {
    if (!node.endpoint) throw ProvisionError("has no address in the cluster file", node.name);
    cluster.nodes.push_back({node.name, node.role, node.labels, node.addresses, *node.endpoint});
  }
  return cluster;
}

ClusterDescription StaticProvisioner::up(const ClusterPlan& plan, Tenure) {
  ClusterDescription cluster = describeStatic(plan);
  Deadline deadline = std::chrono::steady_clock::now() + kAnswerTime;
  std::vector<Fd> sockets;
  for (const NodeDescription& node : cluster.nodes) {
    sockets.push_back(beginConnect(node.endpoint, node.name));
  }
  for (size_t i = 0; i < sockets.size(); ++i) {
    const NodeDescription& node = cluster.nodes[i];
    pollfd connected{sockets[i].get(), POLLOUT, 0};
    if (::poll(&connected, 1, millisecondsUntil(deadline)) <= 0) {
      throw ProvisionError("no agent answers at " + nameOf(node.endpoint) + " within " +
                               std::to_string(kAnswerTime.count()) + " s",
                           node.name);
    }
    int error = 0;
    socklen_t size = sizeof error;
    check(::getsockopt(sockets[i].get(), SOL_SOCKET, SO_ERROR, &error, &size), "getsockopt");
    if (error != 0) {
      throw ProvisionError(
          "no agent answers at " + nameOf(node.endpoint) + ": " + std::strerror(error), node.name);
    }
  }
  return cluster;
}

ClusterDescription StaticProvisioner::find(const std::string& cluster) {
  throw ProvisionError(
      "a static cluster is known by its file only; give the file instead of the name \"" + cluster +
      "\"");
}

void StaticProvisioner::down(const std::string&) {}  // Nothing was made.

void StaticProvisioner::freeze(const std::string&, const std::string& node) {
  unsupported("freeze", node);
}
void StaticProvisioner::thaw(const std::string&, const std::string& node) {
  unsupported("thaw", node);
}
void StaticProvisioner::powerOff(const std::string&, const std::string& node) {
  unsupported("powerOff", node);
}
void StaticProvisioner::powerOn(const std::string&, const std::string& node) {
  unsupported("powerOn", node);
}

}  // namespace harness
