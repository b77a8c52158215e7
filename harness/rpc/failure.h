// The border between failures as they travel inside of this room and the caller's NodeError.
//
// Inside, a failure is a kj::Exception that carries a support::Failure (schema/support/base/
// wire_error.h): the room's own are made with support::fail and support::failure, the agent's are
// read from the `error` of a result. A node that cannot be reached is a DISCONNECTED exception,
// whether the transport or unreachableNode() made it. Exceptions of a peer carry no Failure, so
// none can be forged.
#pragma once

#include <string>

#include <kj/exception.h>
#include <kj/string.h>

#include <muster/node_error.h>

#include "schema/support/base/wire_error.h"

namespace harness {

// Returns the meaning of `exception` to the caller of this library.
muster::NodeError::Kind kindOf(const kj::Exception& exception);
kj::String textOf(const kj::Exception& exception);

// Makes the NodeError of a failure; `operation` is that of NodeError.
muster::NodeError toNodeError(const kj::Exception& exception, const std::string& node,
                              const std::string& operation);

// Returns the failure of a call for which there was no connection.
kj::Exception unreachableNode(kj::StringPtr text);

// Returns the failure of a call that the caller's program gave up, for this reason.
kj::Exception cancelledCall(kj::StringPtr reason);

// Throws the `error` of the results if there is one.
template <typename Results>
void requireNoError(const Results& results) {
  if (results.hasError()) {
    kj::throwFatalException(support::toException(support::readError(results.getError())));
  }
}

}  // namespace harness
