// Defines everything that front and keeper say to each other about a client's connection, besides
// relaying its frames.
//
// The front opens one connection to the keeper for each client and first sends a preamble with the
// identity that the client has proved. Then frames go both ways, and from the keeper signals too
// (schema/support/rpc/frame.h).
#pragma once

#include <string>

#include <kj/async-io.h>
#include <kj/timer.h>

#include "schema/support/tls/tls.h"

namespace nodeagent {

struct Peer {
  support::Identity identity;
  // For people, such as "10.0.0.1:4711" or "unix pid 17".
  std::string address;
};

// The keeper's signal that `hello` succeeded. The client may then send frames of full size and has
// no deadline any more.
constexpr uint32_t kSignalAdmitted = 1;

std::string preambleOf(const Peer& peer);

// Reads the preamble. Rejected with a failure of kind invalid or timeout.
kj::Promise<Peer> readPreamble(kj::AsyncInputStream& input, kj::Timer& timer);

}  // namespace nodeagent
