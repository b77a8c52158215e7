#include "schema/support/dial.h"

#include <kj/debug.h>

#include "schema/support/duration.h"
#include "schema/support/wire_error.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;
using Stream = kj::Own<kj::AsyncIoStream>;

kj::Promise<Stream> connectTo(kj::LowLevelAsyncIoProvider& provider, DialOptions& options) {
  const Endpoint& endpoint = options.endpoint;
  kj::AutoCloseFd socket;
  KJ_IF_MAYBE (given, options.socket) {
    socket = kj::mv(*given);
  } else {
    socket = endpoint.openSocket();
  }
  setTcpOptions(socket);
  return provider
      .wrapConnectingSocketFd(kj::mv(socket), endpoint.socketAddress(), endpoint.addressBytes)
      .catch_([name = endpoint.text()](kj::Exception&& exception) -> Stream {
        fail(Kind::SYSTEM, "connect to ", name.c_str(), ": ", exception.getDescription());
      });
}

}  // namespace

kj::Promise<Stream> dial(kj::LowLevelAsyncIoProvider& provider, kj::Timer& timer,
                         DialOptions options) {
  auto state = kj::heap<DialOptions>(kj::mv(options));
  DialOptions& given = *state;
  KJ_REQUIRE((given.endpoint.transport == Transport::kTls) == (given.tls != nullptr),
             "certificates are for endpoints of kind tls, and those need them");
  auto late = timer.afterDelay(given.limit).then([&given]() -> Stream {
    fail(Kind::TIMEOUT, "connect to ", given.endpoint.text().c_str(), ": no answer after ",
         durationText(given.limit / kj::NANOSECONDS).c_str());
  });
  return connectTo(provider, given)
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
