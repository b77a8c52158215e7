#include "harness/provision/listening.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "harness/os/fd.h"
#include "harness/provision/error.h"

namespace harness {
namespace {

constexpr std::chrono::milliseconds kTick{100};
// A peer that says nothing is asked anew after this time: its address may be another's by then.
constexpr std::chrono::seconds kAttemptTime{3};

// One that waits for its agent.
struct Waiting {
  const NodeDescription* node;
  Fd socket;
  Deadline end{};
  std::string failure = "nobody answers";
};

Fd openSocket(int family) {
  return Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// A socket belongs for ever to the network namespace where it was opened, and setns(2) moves the
// calling thread, so that a thread of its own opens it and ends.
Fd openSocketIn(const std::string& networkNamespace, int family) {
  if (networkNamespace.empty()) return openSocket(family);
  Fd socket;
  int number = 0;
  std::thread([&] {
    Fd space(::open(networkNamespace.c_str(), O_RDONLY | O_CLOEXEC));
    if (space && ::setns(space.get(), CLONE_NEWNET) == 0) socket = openSocket(family);
    number = errno;
  }).join();
  errno = number;
  return socket;
}

void beginAttempt(Waiting& waiting) {
  const support::Endpoint& endpoint = waiting.node->route.endpoint;
  waiting.socket = openSocketIn(waiting.node->route.networkNamespace, endpoint.address.ss_family);
  waiting.end = after(kAttemptTime);
  if (!waiting.socket) {
    waiting.failure = std::strerror(errno);
    return;
  }
  int result = ::connect(waiting.socket.get(), endpoint.socketAddress(), endpoint.addressBytes);
  if (result == 0 || errno == EINPROGRESS) return;
  waiting.failure = std::strerror(errno);
  waiting.socket.reset();
}

// Says whether the attempt has succeeded; one that has failed has no socket any more.
bool hasConnected(Waiting& waiting) {
  if (!waiting.socket) return false;
  pollfd connected{waiting.socket.get(), POLLOUT, 0};
  if (::poll(&connected, 1, 0) <= 0) {
    if (millisecondsUntil(waiting.end) == 0) waiting.socket.reset();
    return false;
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(waiting.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error == 0) return true;
  waiting.failure = std::strerror(error);
  waiting.socket.reset();
  return false;
}

void pollAll(const std::vector<Waiting>& all, Deadline until) {
  std::vector<pollfd> sockets;
  for (const Waiting& each : all) {
    if (each.socket) sockets.push_back({each.socket.get(), POLLOUT, 0});
  }
  ::poll(sockets.data(), sockets.size(), millisecondsUntil(until));
}

}  // namespace

void awaitListening(const std::vector<NodeDescription>& nodes, Deadline deadline,
                    const std::function<void(const NodeDescription& node)>& whenReady,
                    const std::function<void()>& tick) {
  std::vector<Waiting> all;
  for (const NodeDescription& node : nodes) all.push_back({.node = &node, .socket = {}});
  while (true) {
    for (Waiting& each : all) {
      if (!each.socket) beginAttempt(each);
    }
    Deadline next = std::min(deadline, after(kTick));
    while (!all.empty() && millisecondsUntil(next) > 0) {
      pollAll(all, next);
      std::erase_if(all, [&](Waiting& each) {
        if (!hasConnected(each)) return false;
        whenReady(*each.node);
        return true;
      });
    }
    if (all.empty()) return;
    tick();
    if (millisecondsUntil(deadline) > 0) continue;
    const NodeDescription& node = *all.front().node;
    throw ProvisionError(
        ProvisionError::Kind::kFailed,
        "its agent does not listen at " + node.route.place() + ": " + all.front().failure,
        node.name);
  }
}

}  // namespace harness
