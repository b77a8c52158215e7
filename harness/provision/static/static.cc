#include "harness/provision/static/static.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/wait.h"
#include "harness/provision/error.h"
#include "harness/provision/static/kind.h"
#include "harness/provision/static/static_keys.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kAnswerTime{10};

[[noreturn]] void failAt(const NodeDescription& node, const std::string& reason) {
  throw ProvisionError("no agent answers at " + node.route.endpoint.place() + reason, node.name);
}

// A connection that has been asked for.
Fd beginConnect(const NodeDescription& node) {
  const support::Endpoint& endpoint = node.route.endpoint;
  Fd socket(::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) throw ProvisionError(std::string("socket: ") + std::strerror(errno), node.name);
  int result = ::connect(socket.get(), endpoint.socketAddress(), endpoint.addressBytes);
  if (result != 0 && errno != EINPROGRESS) failAt(node, std::string(": ") + std::strerror(errno));
  return socket;
}

void awaitConnected(const Fd& socket, const NodeDescription& node, Deadline deadline) {
  pollfd connected{socket.get(), POLLOUT, 0};
  if (::poll(&connected, 1, millisecondsUntil(deadline)) <= 0) {
    failAt(node, " within " + std::to_string(kAnswerTime.count()) + " s");
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) failAt(node, std::string(": ") + std::strerror(error));
}

std::unique_ptr<Provisioner> make() {
  return std::make_unique<StaticProvisioner>();
}

[[noreturn]] void failByName(const std::string& cluster) {
  throw ProvisionError(
      ProvisionError::Kind::kNoSuchCluster,
      "a static cluster is known by its file, and not by a name such as \"" + cluster + "\"");
}

}  // namespace

const ProvisionerKind& staticKind() {
  static const ProvisionerKind kKind{staticKeys(), make};
  return kKind;
}

Examination StaticProvisioner::examine(const ClusterPlan&) {
  return {};
}

std::optional<ClusterDescription> StaticProvisioner::foretell(const ClusterPlan& plan) {
  checkSettings(staticKind(), plan);
  ClusterDescription cluster{plan.name, staticKind().name, {}};
  std::vector<AgentRoute> routes = staticRoutes(plan);
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    const NodePlan& node = plan.nodes[i];
    cluster.nodes.push_back({node.name, node.role, node.labels, {}, routes[i]});
  }
  return cluster;
}

ClusterDescription StaticProvisioner::up(const ClusterPlan& plan, Tenure) {
  ClusterDescription cluster = *foretell(plan);
  Deadline deadline = after(kAnswerTime);
  std::vector<Fd> sockets;
  for (const NodeDescription& node : cluster.nodes) sockets.push_back(beginConnect(node));
  for (size_t i = 0; i < sockets.size(); ++i) {
    awaitConnected(sockets[i], cluster.nodes[i], deadline);
  }
  return cluster;
}

ClusterDescription StaticProvisioner::find(const std::string& cluster) {
  failByName(cluster);
}

// Nothing was made, so nothing is removed.
void StaticProvisioner::down(const std::string&) {}

std::vector<ClusterEntry> StaticProvisioner::list() {
  return {};
}

ClusterState StaticProvisioner::state(const std::string& cluster) {
  failByName(cluster);
}

std::vector<std::string> StaticProvisioner::collect() {
  return {};
}

}  // namespace harness
