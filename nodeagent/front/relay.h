// Relays a connection once the client's identity is known: whole, checked frames go both ways
// between client and keeper, and nothing else. It does not read what they mean.
#pragma once

#include <kj/async-io.h>
#include <kj/function.h>
#include <kj/timer.h>

namespace nodeagent {

// Relays until the keeper's end is over, or reading or writing fails. Frames of the client are held
// to the size for strangers until the keeper signals that `hello` succeeded; then `admitted` is
// called. Everything outlives the promise.
kj::Promise<void> relayBothWays(kj::AsyncIoStream& client, kj::AsyncIoStream& keeper,
                                kj::Timer& timer, kj::Function<void()> admitted);

}  // namespace nodeagent
