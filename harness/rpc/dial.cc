#include "harness/rpc/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include <kj/debug.h>

#include "schema/support/base/socket.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/tls/dial.h"
#include "schema/support/tls/tls.h"

namespace harness {
namespace {

struct OpenedSocket {
  kj::Maybe<kj::AutoCloseFd> fd;
  int errnoValue = 0;
};

// Opens a socket in another network namespace. A socket belongs for ever to the namespace where it
// was opened, and setns(2) moves the calling thread: so a thread of its own opens it and ends.
OpenedSocket openInNamespace(const support::Endpoint& target, const std::string& path) {
  OpenedSocket opened;
  std::thread([&opened, &target, &path]() {
    int ns = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (ns < 0) {
      opened.errnoValue = errno;
      return;
    }
    kj::AutoCloseFd closer(ns);
    if (setns(ns, CLONE_NEWNET) != 0) {
      opened.errnoValue = errno;
      return;
    }
    KJ_IF_MAYBE (exception,
                 kj::runCatchingExceptions([&]() { opened.fd = support::openSocket(target); })) {
      opened.errnoValue = errno ? errno : EIO;
    }
  }).join();
  return opened;
}

kj::AutoCloseFd openSocket(const AgentRoute& route) {
  OpenedSocket opened = openInNamespace(route.endpoint, route.networkNamespace);
  KJ_IF_MAYBE (fd, opened.fd) return kj::mv(*fd);
  kj::throwFatalException(
      support::toException({wire::Error::Kind::SYSTEM, opened.errnoValue,
                            kj::str("open a socket in network namespace \"", route.networkNamespace,
                                    "\": ", support::errnoText(opened.errnoValue))}));
}

// The objects that must live until the stream is there.
struct Dialling {
  support::Endpoint target;
  std::optional<support::TlsClient> tls;
};

}  // namespace

kj::Promise<kj::Own<kj::AsyncIoStream>> dial(kj::UnixEventPort& port, kj::Timer& timer,
                                             TlsClients& tlsClients, const AgentRoute& route,
                                             const std::string& node,
                                             std::chrono::nanoseconds limit) {
  if (route.endpoint.addressBytes == 0) {
    return support::failure(wire::Error::Kind::INVALID, "node ", node, " has no endpoint");
  }
  auto state = kj::heap<Dialling>(Dialling{route.endpoint, std::nullopt});
  Dialling& dialling = *state;
  return kj::evalNow([&]() {
           support::DialOptions options;
           if (dialling.target.transport == support::Transport::kTls) {
             dialling.tls.emplace(tlsClients.get(route.tls));
             options.tls = *dialling.tls;
           }
           options.endpoint = dialling.target;
           options.nodeName = node;
           options.limit = limit.count() * kj::NANOSECONDS;
           if (!route.networkNamespace.empty()) {
             options.socket = openSocket(route);
           }
           return support::dial(port, timer, kj::mv(options));
         })
      .attach(kj::mv(state));
}

}  // namespace harness
