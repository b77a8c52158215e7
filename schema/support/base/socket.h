// Opens sockets for endpoints and sets their options. It neither connects nor sends.
#pragma once

#include <kj/io.h>

#include "schema/support/base/endpoint.h"

namespace support {

// Opens a non-blocking stream socket of the endpoint's family, neither bound nor connected. Throws
// kj::Exception.
kj::AutoCloseFd openSocket(const Endpoint& endpoint);

// Sets NODELAY, keepalive 3 s / 1 s / 3 probes and USER_TIMEOUT 5 s, which find a dead peer in 5 to
// 6 s where the heartbeat does not come first. Does nothing to unix sockets. An option that the
// kernel refuses stays as it is.
void setTcpOptions(int socket);

}  // namespace support
