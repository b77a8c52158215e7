// Connects to an endpoint, without blocking the loop.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/timer.h>

#include "schema/support/base/endpoint.h"

namespace nodeagent::forward {

// Fails with kind timeout after 10 s, and with that of the errno if the peer refuses.
kj::Promise<kj::Own<kj::AsyncIoStream>> dial(kj::UnixEventPort& port, kj::Timer& timer,
                                             const support::Endpoint& endpoint);

}  // namespace nodeagent::forward
