// Opens listening sockets and accepts connections from them. It replaces the library's accept loop,
// which ends for ever on EMFILE. It does not decide whether a connection is welcome: admission.h
// does.
#pragma once

#include <sys/types.h>

#include <string>

#include <kj/async-unix.h>
#include <kj/io.h>
#include <kj/timer.h>

#include "schema/support/base/endpoint.h"

namespace support {

struct AcceptedSocket {
  // Non-blocking, with the TCP options of endpoint.h.
  kj::AutoCloseFd socket;
  sockaddr_storage peer{};
  // The uid of a unix socket's peer when it connected; 0 for others.
  uid_t uid = 0;
  // The pid of a unix socket's peer when it connected; 0 for others, and if it lives in another PID
  // namespace.
  pid_t pid = 0;
};

// Makes a directory for unix sockets, if it is missing, in which every user can reach a socket by
// name: mode 0711. The front's user has to reach the keeper's. Throws a failure of kind system.
void makeSocketDirectory(const std::string& path);

// Says what becomes of an endpoint whose address the machine does not have.
enum class AbsentAddress {
  // It is a failure: somebody mistyped it, and waits for an answer.
  kRefused,
  // A warning is logged, and connections come once the address is there. A link that is down takes
  // its addresses with it for a while.
  kAwaited,
};

// One listening socket. Its destruction stops listening and removes a unix socket's file.
class Listener {
 public:
  // Binds and listens. A unix socket gets mode 0600 in a directory that only its owner (root or we)
  // can write, made if it is missing. The file of a dead agent is replaced; an exclusive lock on
  // PATH.lock makes that safe. Plain TCP is refused unless the address is loopback. Throws a
  // failure: invalid (the endpoint may not be used so), conflict (in use), system.
  static kj::Own<Listener> open(const Endpoint& endpoint, kj::UnixEventPort& events,
                                kj::Timer& timer, AbsentAddress absent = AbsentAddress::kRefused);

  virtual ~Listener() noexcept(false) = default;

  // Returns the endpoint as given, but with the port that the kernel chose.
  virtual const Endpoint& endpoint() const = 0;

  // Returns the next connection. While descriptors or memory are short it waits, and connections
  // stay in the backlog. It is rejected only if the socket itself is broken. One call at a time.
  virtual kj::Promise<AcceptedSocket> accept() = 0;

  // Hands a unix socket's file to another user, with mode 0600 as before.
  virtual void giveTo(uid_t uid) = 0;

  // Lets every user connect to a unix socket. The caller judges each connection.
  virtual void openToAll() = 0;
};

}  // namespace support
