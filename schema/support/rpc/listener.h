// Listening sockets and the loop that accepts from them. Not the library's, whose loop ends for
// ever on EMFILE.
#pragma once

#include <sys/types.h>

#include <kj/async-unix.h>
#include <kj/io.h>
#include <kj/timer.h>

#include "schema/support/base/endpoint.h"

namespace support {

struct AcceptedSocket {
  kj::AutoCloseFd socket;  // Non-blocking, with the TCP options of endpoint.h.
  sockaddr_storage peer{};
  uid_t uid = 0;  // Of a unix socket's peer, when it connected.
  pid_t pid = 0;  // Likewise; 0 if it lives in another PID namespace.
};

// One listening socket. Destroying it stops listening and removes a unix socket's file.
class Listener {
 public:
  // Binds and listens. A unix socket gets mode 0600 in a directory that only its owner (root or we)
  // can write, made if it is missing; a file that a dead agent left is replaced, which an exclusive
  // lock on PATH.lock makes safe. Plain TCP is refused unless the address is loopback. Throws a
  // failure: invalid (the endpoint may not be used so), conflict (in use), system.
  static kj::Own<Listener> open(const Endpoint& endpoint, kj::UnixEventPort& events,
                                kj::Timer& timer);

  virtual ~Listener() noexcept(false) = default;

  // As given, but with the port that the kernel chose.
  virtual const Endpoint& endpoint() const = 0;

  // The next connection. When descriptors or memory run out it waits for better times, connections
  // waiting in the backlog; it is rejected only if the socket itself is broken. One call at a time.
  virtual kj::Promise<AcceptedSocket> accept() = 0;

  // For a unix socket: hands the file to another user, 0600 as before.
  virtual void giveTo(uid_t uid) = 0;
};

}  // namespace support
