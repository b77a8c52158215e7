#include "schema/support/base/socket.h"

#include <netinet/tcp.h>

#include <kj/debug.h>

namespace support {

kj::AutoCloseFd openSocket(const Endpoint& endpoint) {
  int descriptor;
  KJ_SYSCALL(descriptor =
                 socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return kj::AutoCloseFd(descriptor);
}

void setTcpOptions(int socket) {
  struct Option {
    int level, name, value;
  };
  constexpr Option kOptions[] = {
      {IPPROTO_TCP, TCP_NODELAY, 1},  {SOL_SOCKET, SO_KEEPALIVE, 1},
      {IPPROTO_TCP, TCP_KEEPIDLE, 3}, {IPPROTO_TCP, TCP_KEEPINTVL, 1},
      {IPPROTO_TCP, TCP_KEEPCNT, 3},  {IPPROTO_TCP, TCP_USER_TIMEOUT, 5000},
  };
  // Errors are ignored: unix sockets have no TCP options, and a connection works without them. It
  // may only be slower, and notice a dead peer later.
  for (const Option& option : kOptions)
    setsockopt(socket, option.level, option.name, &option.value, sizeof option.value);
}

}  // namespace support
