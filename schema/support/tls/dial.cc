#include "schema/support/tls/dial.h"

#include <errno.h>
#include <sys/socket.h>

#include <kj/debug.h>

#include "schema/support/base/duration.h"
#include "schema/support/base/socket.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/socket_stream.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;
using Stream = kj::Own<kj::AsyncIoStream>;

kj::Exception notConnected(const Endpoint& endpoint, int error) {
  return toException({Kind::SYSTEM, error,
                      kj::str("connect to ", endpoint.text().c_str(), ": ", errnoText(error))});
}

// Connects, and resolves when the connection is made or has failed.
kj::Promise<void> begun(kj::UnixEventPort& port, int socket, const Endpoint& endpoint) {
  int result;
  do {
    result = ::connect(socket, endpoint.socketAddress(), endpoint.addressBytes);
  } while (result < 0 && errno == EINTR);
  if (result == 0) return kj::READY_NOW;
  if (errno != EINPROGRESS) return notConnected(endpoint, errno);
  using Observer = kj::UnixEventPort::FdObserver;
  auto observer = kj::heap<Observer>(port, socket, Observer::OBSERVE_WRITE);
  auto made = observer->whenBecomesWritable();
  return made.attach(kj::mv(observer)).then([socket, &endpoint]() {
    int error = 0;
    socklen_t length = sizeof error;
    KJ_SYSCALL(getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length));
    if (error != 0) kj::throwFatalException(notConnected(endpoint, error));
  });
}

kj::Promise<Stream> connectTo(kj::UnixEventPort& port, DialOptions& options) {
  const Endpoint& endpoint = options.endpoint;
  kj::AutoCloseFd socket;
  KJ_IF_MAYBE (given, options.socket) {
    socket = kj::mv(*given);
  } else {
    socket = openSocket(endpoint);
  }
  setTcpOptions(socket);
  int number = socket;
  return begun(port, number, endpoint).then([&port, socket = kj::mv(socket)]() mutable -> Stream {
    return kj::heap<SocketStream>(port, kj::mv(socket));
  });
}

}  // namespace

kj::Promise<Stream> dial(kj::UnixEventPort& port, kj::Timer& timer, DialOptions options) {
  // The options live until the promise settles, because each of the steps below refers to them.
  auto state = kj::heap<DialOptions>(kj::mv(options));
  DialOptions& given = *state;
  KJ_REQUIRE((given.endpoint.transport == Transport::kTls) == (given.tls != nullptr),
             "certificates are for endpoints of kind tls, and those need them");
  auto late = timer.afterDelay(given.limit).then([&given]() -> Stream {
    fail(Kind::TIMEOUT, "connect to ", given.endpoint.text().c_str(), ": no answer after ",
         durationText(given.limit / kj::NANOSECONDS).c_str());
  });
  return connectTo(port, given)
      .then([&given](Stream&& stream) -> kj::Promise<Stream> {
        KJ_IF_MAYBE (tls, given.tls) {
          return tls->connect(kj::mv(stream), given.nodeName.c_str());
        }
        return kj::mv(stream);
      })
      .exclusiveJoin(kj::mv(late))
      .attach(kj::mv(state));
}

}  // namespace support
