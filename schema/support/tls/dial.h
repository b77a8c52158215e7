// How a controller reaches an agent: one connected, authenticated stream, or an exception that says
// what to do about it.
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
  kj::Maybe<TlsClient&> tls;             // Needed for, and only for, an endpoint of kind tls.
  std::string nodeName;                  // The name that the node's certificate must show.
  kj::Duration limit = 3 * kj::SECONDS;  // For connecting and shaking hands.
  // A non-blocking socket of the endpoint's family to use instead of a new one, such as one opened
  // in another network namespace.
  kj::Maybe<kj::AutoCloseFd> socket;
};

// What options refer to lives until the promise settles. Rejected with a failure of kind denied
// (the node proves to be another, see TlsClient), timeout, or system (the text has the reason); ask
// `classify` whether to try again.
kj::Promise<kj::Own<kj::AsyncIoStream>> dial(kj::UnixEventPort& port, kj::Timer& timer,
                                             DialOptions options);

}  // namespace support
