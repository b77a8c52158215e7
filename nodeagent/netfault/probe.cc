#include "nodeagent/netfault/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include <kj/io.h>
#include <kj/vector.h>

#include "schema/support/base/endpoint.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Steady = std::chrono::steady_clock;

sockaddr_storage addressOf(const ProbeTarget& target) {
  auto address = support::readNumericHost(target.address.cStr());
  if (!address) {
    support::fail(wire::Error::Kind::INVALID, "probe: \"", target.address, "\" is no address");
  }
  // The port stands in one place in both families.
  reinterpret_cast<sockaddr_in&>(*address).sin_port = htons(target.port);
  return *address;
}

// One probe on its way. A refusal is an answer: the peer's kernel has seen the packet.
class Probe {
 public:
  explicit Probe(const ProbeTarget& target)
      : isTcp_(target.protocol == ProbeTarget::Protocol::kTcp) {
    sockaddr_storage address = addressOf(target);
    int type = isTcp_ ? SOCK_STREAM : SOCK_DGRAM;
    int fd = ::socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      note(errno);
      return;
    }
    socket_ = kj::AutoCloseFd(fd);
    int result = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    if (isTcp_) {
      note(result == 0 ? 0 : errno);
    } else if (result < 0 || ::send(fd, "", 0, MSG_NOSIGNAL) < 0) {
      note(errno);
    }
  }

  bool isOver() const { return isOver_; }
  bool isAnswered() const { return isAnswered_; }
  struct pollfd wish() const {
    return {isOver_ ? -1 : socket_.get(), static_cast<short>(isTcp_ ? POLLOUT : POLLIN), 0};
  }

  void look(short events) {
    if (events == 0) return;
    int error = 0;
    socklen_t bytes = sizeof error;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &bytes);
    note(error);
  }

 private:
  // Errno 0 means that the peer answered.
  void note(int error) {
    if (error == EINPROGRESS || error == EAGAIN) return;
    isOver_ = true;
    isAnswered_ = error == 0 || error == ECONNREFUSED;
    socket_ = nullptr;
  }

  bool isTcp_;
  bool isOver_ = false;
  bool isAnswered_ = false;
  kj::AutoCloseFd socket_;
};

}  // namespace

kj::Array<bool> sendProbes(kj::ArrayPtr<const ProbeTarget> targets, int64_t waitNs) {
  auto deadline = Steady::now() + std::chrono::nanoseconds(waitNs);
  kj::Vector<kj::Own<Probe>> probes;
  for (auto& target : targets) probes.add(kj::heap<Probe>(target));
  for (;;) {
    kj::Vector<struct pollfd> wishes;
    bool areOver = true;
    for (auto& probe : probes) {
      wishes.add(probe->wish());
      areOver = areOver && probe->isOver();
    }
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
    if (areOver || left <= 0) break;
    if (::poll(wishes.begin(), wishes.size(), static_cast<int>(left)) < 0) continue;
    for (size_t i = 0; i < probes.size(); ++i) probes[i]->look(wishes[i].revents);
  }
  return KJ_MAP(probe, probes) {
    return probe->isAnswered();
  };
}

}  // namespace nodeagent::netfault
