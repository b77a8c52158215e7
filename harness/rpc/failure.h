// How a failure travels inside the rpc room: as a kj::Exception that carries kind, errno and text,
// so that it passes promises whole, and becomes a muster::NodeError once, at the border.
#pragma once

#include <string>

#include <capnp/common.h>
#include <kj/exception.h>
#include <kj/string.h>

#include <muster/node_error.h>

#include "schema/common.capnp.h"

namespace harness {

// How the descriptions of our failures begin; those of a peer begin with "remote exception: ".
constexpr kj::StringPtr kFailureMark = "\x01muster "_kj;

// Such an exception. Never made from a peer's exception: a peer cannot forge one.
kj::Exception failure(muster::NodeError::Kind kind, kj::StringPtr text, int errnoValue = 0);

// The failure that the `error` of a result means.
kj::Exception failureOf(wire::Error::Reader error);

// Whether `exception` is of that kind. Exceptions that are not ours are kInternal, kUnsupported or
// kOverloaded.
muster::NodeError::Kind kindOf(const kj::Exception& exception);
kj::String textOf(const kj::Exception& exception);

// For the caller. `operation` as in NodeError.
muster::NodeError toNodeError(const kj::Exception& exception, const std::string& node,
                              const std::string& operation);

// Throws failureOf(results.getError()) if there is one.
template <typename Results>
void requireNoError(const Results& results) {
  if (results.hasError()) kj::throwFatalException(failureOf(results.getError()));
}

}  // namespace harness
