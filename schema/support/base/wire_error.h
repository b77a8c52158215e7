// How a failure becomes data: what a service throws, what the wire carries, and what is kept from
// the peer.
//
// A service reports a failure with `fail` or `failErrno`, from plain code as well as from a
// promise's continuation, and wraps each method in `answer`, which writes it into the results.
// Anything else that escapes becomes kind internal with an incident number that the log explains,
// because KJ's texts show values of our memory to the peer.
//
//   kj::Promise<void> stat(StatContext context) override {
//     return support::answer(context, "files.stat", [this, context]() mutable {
//       auto path = context.getParams().getPath();
//       if (path.size() == 0) support::fail(wire::Error::Kind::INVALID, "path: empty");
//       ...
//     });
//   }
#pragma once

#include <stdint.h>

#include <type_traits>

#include <kj/async.h>
#include <kj/exception.h>
#include <kj/string.h>

#include "schema/common.capnp.h"

namespace support {

struct Failure {
  wire::Error::Kind kind = wire::Error::Kind::UNSPECIFIED;
  int errorNumber = 0;    // Of the node; 0: no system call was involved.
  kj::String text;        // What was attempted and what came back, lower case, no full stop.
  uint64_t incident = 0;  // Of kind internal.

  Failure clone() const { return {kind, errorNumber, kj::str(text), incident}; }
};

// "notFound", as the schema spells it.
kj::StringPtr kindText(wire::Error::Kind kind);

// Text of an errno without the trailing number, such as "No such file or directory"; from any
// thread.
kj::String errnoText(int errorNumber);

// The kind that an errno means to a caller: notFound, conflict (exists), denied, unsupported,
// invalid; otherwise system.
wire::Error::Kind kindOfErrno(int errorNumber);

// A failure as an exception: travels through promises and executors and comes back whole from
// `toFailure`.
kj::Exception toException(const Failure& failure);

// The failure that `exception` carries; any other exception is logged with `operation` and becomes
// kind internal.
Failure toFailure(const kj::Exception& exception, kj::StringPtr operation);

// Throws; the text is kj::str of the rest.
template <typename... Params>
[[noreturn]] void fail(wire::Error::Kind kind, Params&&... params) {
  kj::throwFatalException(toException({kind, 0, kj::str(kj::fwd<Params>(params)...)}));
  KJ_UNREACHABLE;
}

// Throws, for a system call that failed: the text is kj::str of the rest with ": " and the errno's
// own text.
template <typename... Params>
[[noreturn]] void failErrno(int errorNumber, Params&&... params) {
  kj::throwFatalException(
      toException({kindOfErrno(errorNumber), errorNumber,
                   kj::str(kj::fwd<Params>(params)..., ": ", errnoText(errorNumber))}));
  KJ_UNREACHABLE;
}

// Cuts the text at 4 KiB, at a character's border.
void writeError(wire::Error::Builder builder, const Failure& failure);
Failure readError(wire::Error::Reader reader);

// Runs a method's body, which returns void or kj::Promise<void>, and puts what it throws into the
// results' `error`. What the body had written into other fields stays there. `operation` is a
// literal. Cancellation passes through.
template <typename Context, typename Body>
kj::Promise<void> answer(Context context, kj::StringPtr operation, Body&& body) {
  // Not the library's own handling of functions without a result, which does not compile in 0.9.2.
  auto call = [&body]() -> kj::Promise<void> {
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      return kj::READY_NOW;
    } else {
      return body();
    }
  };
  return kj::evalNow(call).catch_([context, operation](kj::Exception&& exception) mutable {
    writeError(context.getResults().initError(), toFailure(exception, operation));
  });
}

}  // namespace support
