// Connects a controller to an agent: the result is one connected, authenticated stream, or an
// exception that says whether to try again. It does not retry.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/io.h>
#include <kj/timer.h>

#include "schema/support/base/endpoint.h"
#include "schema/support/tls/tls.h"

namespace support {

struct DialOptions {
  Endpoint endpoint;
  // Needed for an endpoint of kind tls, and not allowed for others.
  kj::Maybe<TlsClient&> tls;
  // The name that the node's certificate must show.
  std::string nodeName;
  // Bounds connecting and shaking hands together.
  kj::Duration limit = 3 * kj::SECONDS;
  // Replaces the socket that dial would open; it must be non-blocking and of the endpoint's family.
  // A socket that was opened in another network namespace is an example.
  kj::Maybe<kj::AutoCloseFd> socket;
};

// Connects and shakes hands. References in `options` must stay valid until the promise settles.
// Rejected with a failure of kind denied (the node proves to be another, see TlsClient), timeout,
// or system (the text has the reason); ask `classify` whether to try again.
kj::Promise<kj::Own<kj::AsyncIoStream>> dial(kj::UnixEventPort& port, kj::Timer& timer,
                                             DialOptions options);

}  // namespace support
