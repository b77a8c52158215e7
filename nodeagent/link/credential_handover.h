// Hands new certificates and the log from a keeper to the front that it started, while both run.
//
// The front cannot read them itself once it has given up root, and starting another front instead
// would cost every client its connection. Both ends share one unix socket pair. One message is
// under way at a time, and each is answered.
#pragma once

#include <kj/async-io.h>
#include <kj/io.h>

#include "schema/support/base/log.h"
#include "schema/support/tls/tls.h"

namespace nodeagent {

struct Handover {
  // Absent: the agent has none.
  kj::Maybe<support::Credentials> credentials;
  support::Level logLevel = support::Level::kInfo;
  // Opened for appending. Absent: the front keeps standard error.
  kj::Maybe<kj::AutoCloseFd> log;
};

// Sends a handover. Resolves with the front's answer: nothing if it took it, or why it keeps its
// old one. `stream` outlives the promise.
kj::Promise<kj::Maybe<kj::String>> handOver(kj::AsyncCapabilityStream& stream, Handover handover);

// Serves the front's end: calls `take` with each handover that arrives, and answers with the text
// of an exception that it throws. Resolves when the other end has closed.
kj::Promise<void> takeHandovers(kj::AsyncCapabilityStream& stream,
                                kj::Function<void(Handover)> take);

}  // namespace nodeagent
