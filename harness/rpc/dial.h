// Opens the byte stream to an agent: a unix socket or TCP, with or without TLS, from this network
// namespace or another.
#pragma once

#include <chrono>
#include <string>

#include <kj/async-io.h>
#include <kj/async-unix.h>

#include "harness/cluster/description.h"
#include "harness/rpc/tls_clients.h"

namespace harness {

// Resolves with a connected stream. Rejected as support::dial is, or with a failure of kind
// invalid, denied or notFound if the endpoint or a file of the identity is not usable, which trying
// again does not help. A host name is looked up anew, and its addresses are tried one after the
// other. `node` is the name that the agent's certificate must have. Call it on the
// loop's thread and bound the time. The references must live until the promise settles.
kj::Promise<kj::Own<kj::AsyncIoStream>> dial(kj::UnixEventPort& port, kj::Timer& timer,
                                             TlsClients& tlsClients, const AgentRoute& route,
                                             const std::string& node,
                                             std::chrono::nanoseconds limit);

}  // namespace harness
