#include "harness/rpc/forward/local_sockets.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "schema/support/base/endpoint.h"
#include "schema/support/base/socket.h"
#include "schema/support/base/wire_error.h"

namespace harness::rpc {
namespace {

using WireKind = wire::Error::Kind;

constexpr int kBacklog = 64;

}  // namespace

LocalListener::~LocalListener() noexcept(false) {
  if (!path.empty()) ::unlink(path.c_str());
}

kj::Own<LocalListener> listenHere(kj::LowLevelAsyncIoProvider& provider, const std::string& text) {
  support::Endpoint endpoint = support::Endpoint::parse(text);
  if (!endpoint.loopback()) {
    support::fail(
        WireKind::INVALID, "listen at ", text.c_str(),
        ": is not a loopback address, and everybody could connect; use 127.0.0.1 or [::1]");
  }
  auto socket = support::openSocket(endpoint);
  int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  bool isUnix = endpoint.transport == support::Transport::kUnix;
  // Not even for a moment may others connect. Other threads make their files stricter meanwhile.
  mode_t mask = isUnix ? ::umask(0177) : 0;
  int result = ::bind(socket, endpoint.socketAddress(), endpoint.addressBytes);
  int error = errno;
  if (isUnix) ::umask(mask);
  if (result != 0 && error == EADDRINUSE) {
    support::fail(WireKind::CONFLICT, "listen at ", text.c_str(),
                  isUnix ? ": there is a file of that name; remove it, or choose another"
                         : ": the port is in use by another process; choose another, or 0");
  }
  if (result != 0) support::failErrno(error, "listen at ", text.c_str());
  auto listener = kj::heap<LocalListener>();
  if (isUnix) listener->path = endpoint.path();
  if (::listen(socket, kBacklog) != 0) support::failErrno(errno, "listen at ", text.c_str());
  if (!isUnix) {
    ::getsockname(socket, endpoint.socketAddress(), &endpoint.addressBytes);
  }
  listener->bound = endpoint.text();
  listener->receiver = provider.wrapListenSocketFd(kj::mv(socket), 0);
  return listener;
}

kj::Promise<kj::Own<kj::AsyncIoStream>> dialHere(kj::Network& network, const std::string& text) {
  support::Endpoint endpoint = support::Endpoint::parse(text);
  auto address = network.getSockaddr(endpoint.socketAddress(), endpoint.addressBytes);
  auto connected = address->connect();
  return connected.attach(kj::mv(address)).catch_([text](kj::Exception&& exception) {
    // The library's text begins with its own code.
    kj::Promise<kj::Own<kj::AsyncIoStream>> failed = support::failure(
        WireKind::SYSTEM, "connect to ", text.c_str(), ": ", support::reasonOf(exception));
    return failed;
  });
}

}  // namespace harness::rpc
