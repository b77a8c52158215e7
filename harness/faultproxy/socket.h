// The few socket calls that the proxy needs. They have neither threads nor state.
#pragma once

#include <string>

#include "harness/os/fd.h"
#include "schema/support/base/endpoint.h"

namespace harness {

// Reads "127.0.0.1:80", "[::1]:80" or "unix:/path". Throws std::invalid_argument.
support::Endpoint addressFromText(const std::string& text);

// Writes an address in the form that addressFromText reads.
std::string textOf(const support::Endpoint& address);

bool isUnix(const support::Endpoint& address);

// The functions that make sockets throw std::system_error. All sockets are non-blocking and closed
// on exec.

// Binds a socket to `address`, and fills in the port if it is a TCP one.
Fd bindSocket(support::Endpoint& address);

// Listens at `address`, and fills in the port. Replaces the file of a unix socket.
Fd listenOn(support::Endpoint& address);

// Begins to connect. Returns an empty Fd if the connection was refused at once.
Fd beginConnect(const support::Endpoint& address);

// Returns the errno of a connect once the socket is writable. 0 is a success.
int connectError(int fd);

// Lets the kernel send small writes without delay.
void setNoDelay(int fd);

// Closes the socket so that the peer of a TCP connection gets a reset.
void closeWithReset(Fd& socket);

}  // namespace harness
