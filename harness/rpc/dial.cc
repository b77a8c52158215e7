#include "harness/rpc/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <kj/debug.h>

#include "harness/cluster/named_hosts.h"
#include "harness/os/resolve.h"
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

// Returns null where a socket of our own namespace will do. It is of the family of `target`, which
// is one of the addresses of a host name; the route's own endpoint says nothing about that.
kj::Maybe<kj::AutoCloseFd> socketFor(const AgentRoute& route, const support::Endpoint& target) {
  if (route.networkNamespace.empty()) return nullptr;
  OpenedSocket opened = openInNamespace(target, route.networkNamespace);
  KJ_IF_MAYBE (fd, opened.fd) return kj::mv(*fd);
  kj::throwFatalException(
      support::toException({wire::Error::Kind::SYSTEM, opened.errnoValue,
                            kj::str("open a socket in network namespace \"", route.networkNamespace,
                                    "\": ", support::errnoText(opened.errnoValue))}));
}

// One dialling, whose members live until the stream is there.
struct Dialling {
  kj::UnixEventPort& port;
  kj::Timer& timer;
  AgentRoute route;
  std::string node;
  kj::TimePoint until;

  std::vector<support::Endpoint> targets;
  size_t next = 0;
  std::optional<support::TlsClient> tls;
};

kj::Promise<ResolvedHost> lookUp(const std::string& name) {
  auto pair = kj::newPromiseAndCrossThreadFulfiller<ResolvedHost>();
  // A std::function must be copyable.
  auto fulfiller = std::make_shared<decltype(pair.fulfiller)>(kj::mv(pair.fulfiller));
  resolveLater(name, [fulfiller](ResolvedHost host) { (*fulfiller)->fulfill(kj::mv(host)); });
  return kj::mv(pair.promise);
}

std::vector<support::Endpoint> targetsOf(const AgentRoute& route, const ResolvedHost& host) {
  if (host.addresses.empty()) {
    support::fail(wire::Error::Kind::SYSTEM, "look up \"", route.hostName.c_str(),
                  "\": ", host.error.c_str());
  }
  auto endpoints = endpointsOf(route, host.addresses);
  if (endpoints.empty()) {
    support::fail(wire::Error::Kind::SYSTEM, "\"", route.hostName.c_str(), "\" is ",
                  support::hostText(host.addresses.front()).c_str(),
                  ", and tcp without TLS is for loopback only");
  }
  return endpoints;
}

// Tries one address after the other, each with its share of the time.
kj::Promise<kj::Own<kj::AsyncIoStream>> dialNext(Dialling& dialling) {
  support::DialOptions options;
  options.endpoint = dialling.targets[dialling.next];
  KJ_IF_MAYBE (socket, socketFor(dialling.route, options.endpoint)) {
    options.socket = kj::mv(*socket);
  }
  if (dialling.tls) options.tls = *dialling.tls;
  options.nodeName = dialling.node;
  auto left = dialling.until - dialling.timer.now();
  options.limit = kj::max(left, 0 * kj::SECONDS) / (dialling.targets.size() - dialling.next);
  auto made = support::dial(dialling.port, dialling.timer, kj::mv(options));
  if (++dialling.next == dialling.targets.size()) return made;
  return made.catch_([&dialling](kj::Exception&& exception) {
    // Another address of the node has the same certificates.
    if (support::classify(exception) != support::Remedy::kRetry) {
      kj::throwFatalException(kj::mv(exception));
    }
    return dialNext(dialling);
  });
}

}  // namespace

kj::Promise<kj::Own<kj::AsyncIoStream>> dial(kj::UnixEventPort& port, kj::Timer& timer,
                                             TlsClients& tlsClients, const AgentRoute& route,
                                             const std::string& node,
                                             std::chrono::nanoseconds limit) {
  if (route.endpoint.addressBytes == 0) {
    return support::failure(wire::Error::Kind::INVALID, "node ", node, " has no endpoint");
  }
  auto until = timer.now() + limit.count() * kj::NANOSECONDS;
  auto state = kj::heap<Dialling>(Dialling{port, timer, route, node, until, {}, 0, std::nullopt});
  Dialling& dialling = *state;
  return kj::evalNow([&dialling, &tlsClients]() -> kj::Promise<kj::Own<kj::AsyncIoStream>> {
           const AgentRoute& to = dialling.route;
           if (to.endpoint.transport == support::Transport::kTls) {
             dialling.tls.emplace(tlsClients.get(to.tls));
           }
           if (to.hostName.empty()) {
             dialling.targets.push_back(to.endpoint);
             return dialNext(dialling);
           }
           auto found = dialling.timer.timeoutAt(dialling.until, lookUp(to.hostName));
           return found.then([&dialling](ResolvedHost&& host) {
             dialling.targets = targetsOf(dialling.route, host);
             return dialNext(dialling);
           });
         })
      .attach(kj::mv(state));
}

}  // namespace harness
