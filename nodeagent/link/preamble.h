// What front and keeper say to each other about a client's connection, besides relaying its frames.
//
// The front opens one connection to the keeper for each client and first sends a preamble: who the
// client has proved to be. Then frames go both ways, and from the keeper signals too
// (schema/support/rpc/frame.h).
#pragma once

#include <string>

#include <kj/async-io.h>
#include <kj/timer.h>

#include "schema/support/tls/tls.h"

namespace nodeagent {

struct Peer {
  support::Identity identity;
  std::string address;  // "10.0.0.1:4711", "unix pid 17"; for people.
};

// Signals from the keeper: `hello` succeeded, so the client may send frames of full size and has no
// deadline any more.
constexpr uint32_t kSignalAdmitted = 1;

std::string preambleOf(const Peer& peer);

// Rejected with a failure of kind invalid or timeout.
kj::Promise<Peer> readPreamble(kj::AsyncInputStream& input, kj::Timer& timer);

}  // namespace nodeagent
