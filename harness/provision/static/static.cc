#include "harness/provision/static/static.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "harness/cluster/named_hosts.h"
#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/resolve.h"
#include "harness/os/wait.h"
#include "harness/provision/error.h"
#include "harness/provision/static/kind.h"
#include "harness/provision/static/static_keys.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kAnswerTime{10};

[[noreturn]] void failAt(const NodeDescription& node, const std::string& reason) {
  throw ProvisionError("no agent answers at " + node.route.place() + reason, node.name);
}

// Connections to one node that have been asked for, one for each address of its host.
struct Attempt {
  const NodeDescription& node;
  std::vector<Fd> sockets;
  std::string failure;

  // Returns whether one of them was made. Drops those that failed.
  bool isConnected();
};

bool Attempt::isConnected() {
  for (auto socket = sockets.begin(); socket != sockets.end();) {
    pollfd connected{socket->get(), POLLOUT, 0};
    if (::poll(&connected, 1, 0) <= 0) {
      ++socket;
      continue;
    }
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket->get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error == 0) return true;
    failure = std::strerror(error);
    socket = sockets.erase(socket);
  }
  return false;
}

std::vector<support::Endpoint> targetsOf(const NodeDescription& node, Deadline deadline) {
  const AgentRoute& route = node.route;
  if (route.hostName.empty()) return {route.endpoint};
  ResolvedHost host = resolve(route.hostName, deadline);
  if (host.addresses.empty()) failAt(node, ": look up the name: " + host.error);
  auto targets = endpointsOf(route, host.addresses);
  if (targets.empty()) failAt(node, ": the name is not of loopback, which tcp without TLS needs");
  return targets;
}

Attempt beginConnect(const NodeDescription& node, Deadline deadline) {
  Attempt attempt{node, {}, ""};
  for (const support::Endpoint& target : targetsOf(node, deadline)) {
    Fd socket(::socket(target.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) throw ProvisionError(std::string("socket: ") + std::strerror(errno), node.name);
    int result = ::connect(socket.get(), target.socketAddress(), target.addressBytes);
    if (result != 0 && errno != EINPROGRESS) {
      attempt.failure = std::strerror(errno);
      continue;
    }
    attempt.sockets.push_back(std::move(socket));
  }
  return attempt;
}

void awaitConnected(Attempt& attempt, Deadline deadline) {
  bool isConnected = false;
  waitUntil(deadline, [&] {
    isConnected = attempt.isConnected();
    return isConnected || attempt.sockets.empty();
  });
  if (isConnected) return;
  failAt(attempt.node, attempt.sockets.empty()
                           ? ": " + attempt.failure
                           : " within " + std::to_string(kAnswerTime.count()) + " s");
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
  std::vector<Attempt> attempts;
  for (const NodeDescription& node : cluster.nodes)
    attempts.push_back(beginConnect(node, deadline));
  for (Attempt& attempt : attempts) awaitConnected(attempt, deadline);
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
