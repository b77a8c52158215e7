// What a keeper gives to the front that it started, while both run: new certificates and the log.
//
// The front cannot read them itself once it has given up root, and to start another front instead
// would cost every client its connection. Both ends of one unix socket pair, one message at a time;
// each is answered.
#pragma once

#include <kj/async-io.h>
#include <kj/io.h>

#include "schema/support/base/log.h"
#include "schema/support/tls/tls.h"

namespace nodeagent {

struct Handover {
  kj::Maybe<support::Credentials> credentials;  // Absent: the agent has none.
  support::Level logLevel = support::Level::kInfo;
  kj::Maybe<kj::AutoCloseFd> log;  // Opened for appending. Absent: standard error, as it is.
};

// Sends it, and resolves with the front's answer: why it keeps what it had, or nothing if it took
// it. `stream` outlives the promise.
kj::Promise<kj::Maybe<kj::String>> handOver(kj::AsyncCapabilityStream& stream, Handover handover);

// For the front: calls `take` with each that arrives; what it throws is the answer. Resolves when
// the other end has closed.
kj::Promise<void> takeHandovers(kj::AsyncCapabilityStream& stream,
                                kj::Function<void(Handover)> take);

}  // namespace nodeagent
