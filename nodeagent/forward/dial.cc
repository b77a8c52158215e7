#include "nodeagent/forward/dial.h"

#include <errno.h>

#include "schema/support/base/socket.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/socket_stream.h"

namespace nodeagent::forward {
namespace {

using Kind = wire::Error::Kind;

constexpr kj::Duration kDialMax = 10 * kj::SECONDS;

struct Attempt {
  Attempt(kj::UnixEventPort& port, kj::AutoCloseFd ofSocket, std::string ofTarget)
      : socket(kj::mv(ofSocket)),
        target(kj::mv(ofTarget)),
        observer(port, socket, kj::UnixEventPort::FdObserver::OBSERVE_WRITE) {}

  kj::AutoCloseFd socket;
  std::string target;
  kj::UnixEventPort::FdObserver observer;
};

kj::Own<kj::AsyncIoStream> streamOf(kj::UnixEventPort& port, kj::AutoCloseFd socket) {
  support::setTcpOptions(socket);
  return kj::heap<support::SocketStream>(port, kj::mv(socket));
}

}  // namespace

kj::Promise<kj::Own<kj::AsyncIoStream>> dial(kj::UnixEventPort& port, kj::Timer& timer,
                                             const support::Endpoint& endpoint) {
  std::string target = endpoint.text();
  auto socket = support::openSocket(endpoint);
  if (::connect(socket, endpoint.socketAddress(), endpoint.addressBytes) == 0) {
    return streamOf(port, kj::mv(socket));
  }
  if (errno == EAGAIN) {
    support::fail(Kind::OVERLOADED, "connect to ", target.c_str(), ": its backlog is full");
  }
  if (errno != EINPROGRESS) support::failErrno(errno, "connect to ", target.c_str());
  auto attempt = kj::heap<Attempt>(port, kj::mv(socket), target);
  auto writable = attempt->observer.whenBecomesWritable();
  auto late = timer.afterDelay(kDialMax).then([target]() -> kj::Promise<void> {
    return support::failure(Kind::TIMEOUT, "connect to ", target.c_str(), ": no answer in 10 s");
  });
  return writable.exclusiveJoin(kj::mv(late)).then([&port, attempt = kj::mv(attempt)]() mutable {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(attempt->socket, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) support::failErrno(error, "connect to ", attempt->target.c_str());
    // The observer goes first, while the descriptor is open.
    auto connected = kj::mv(attempt->socket);
    attempt = nullptr;
    return streamOf(port, kj::mv(connected));
  });
}

}  // namespace nodeagent::forward
