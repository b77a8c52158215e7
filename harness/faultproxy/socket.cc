#include "harness/faultproxy/socket.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace harness {
namespace {

constexpr int kBacklog = 512;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

Fd newSocket(const support::Endpoint& address) {
  Fd fd(::socket(address.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) fail("socket");
  return fd;
}

}  // namespace

support::Endpoint addressFromText(const std::string& text) {
  std::string why;
  auto endpoint =
      support::Endpoint::fromText(text.starts_with("unix:") ? text : "tcp:" + text, &why);
  if (endpoint) return *endpoint;
  throw std::invalid_argument("address \"" + text +
                              "\": not of the form 127.0.0.1:80, [::1]:80 or unix:/path");
}

std::string textOf(const support::Endpoint& address) {
  return isUnix(address) ? address.text() : address.place();
}

bool isUnix(const support::Endpoint& address) {
  return address.transport == support::Transport::kUnix;
}

Fd bindSocket(support::Endpoint& address) {
  Fd socket = newSocket(address);
  int on = 1;
  if (!isUnix(address)) {
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  }
  if (::bind(socket.get(), address.socketAddress(), address.addressBytes) != 0) fail("bind");
  if (!isUnix(address)) {
    socklen_t size = sizeof(address.address);
    if (::getsockname(socket.get(), address.socketAddress(), &size) != 0) fail("getsockname");
  }
  return socket;
}

Fd listenOn(support::Endpoint& address) {
  if (isUnix(address)) ::unlink(address.path().c_str());
  Fd socket = bindSocket(address);
  if (::listen(socket.get(), kBacklog) != 0) fail("listen");
  return socket;
}

Fd beginConnect(const support::Endpoint& address) {
  Fd socket = newSocket(address);
  if (::connect(socket.get(), address.socketAddress(), address.addressBytes) != 0 &&
      errno != EINPROGRESS) {
    return Fd();
  }
  setNoDelay(socket.get());
  return socket;
}

int connectError(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

void setNoDelay(int fd) {
  int on = 1;
  // This fails for unix sockets, which need no such option.
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void closeWithReset(Fd& socket) {
  linger abort{1, 0};
  if (socket) ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
  socket.reset();
}

}  // namespace harness
