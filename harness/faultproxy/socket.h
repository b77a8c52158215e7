// The few socket calls that the proxy needs. No thread, no state.
#pragma once

#include <string>

#include "harness/os/fd.h"
#include "schema/support/base/endpoint.h"

namespace harness {

// Reads "127.0.0.1:80", "[::1]:80" or "unix:/path". Throws std::invalid_argument.
support::Endpoint addressFromText(const std::string& text);

// The form that addressFromText reads.
std::string textOf(const support::Endpoint& address);

bool isUnix(const support::Endpoint& address);

// These throw std::system_error. All sockets are non-blocking and closed on exec.

// Fills in the port.
Fd bindSocket(support::Endpoint& address);
// Fills in the port; replaces the path of a unix socket.
Fd listenOn(support::Endpoint& address);

// Begins to connect. None: refused at once.
Fd beginConnect(const support::Endpoint& address);

// What became of it, once it is writable: an errno, 0 is success.
int connectError(int fd);

// Sends what is written at once.
void setNoDelay(int fd);

// Closes so that the peer of a TCP connection gets a reset.
void closeWithReset(Fd& socket);

}  // namespace harness
