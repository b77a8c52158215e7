// Turns a failure into data and back: services throw it, the wire carries it, and the texts of
// other exceptions are kept from the peer.
//
// A service reports a failure with `fail` or `failErrno`, from plain code as well as from a
// promise's continuation, and wraps each method in `answer`, which writes it into the results. Any
// other exception becomes kind internal with an incident number that the log explains, because KJ's
// texts show values of our memory to the peer.
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
  // The node's errno; 0 if no system call was involved.
  int errorNumber = 0;
  // Says what was attempted and what came back, in lower case, without a full stop.
  kj::String text;
  // The number under which the log explains a failure of kind internal; 0 for other kinds.
  uint64_t incident = 0;

  Failure clone() const { return {kind, errorNumber, kj::str(text), incident}; }
};

// Returns the kind as the schema spells it, such as "notFound".
kj::StringPtr kindText(wire::Error::Kind kind);

// Returns the text of an errno without a trailing number, such as "No such file or directory". May
// be called from any thread.
kj::String errnoText(int errorNumber);

// Returns the kind that an errno means to a caller: notFound, conflict (exists), denied,
// unsupported or invalid; system for all others.
wire::Error::Kind kindOfErrno(int errorNumber);

// Wraps a failure in an exception that travels through promises and executors; `toFailure` gets it
// back whole.
kj::Exception toException(const Failure& failure);

// Returns the failure that `exception` carries; null if it was not made from one. An exception that
// a peer sent never was, whatever its text says.
kj::Maybe<Failure> carriedFailure(const kj::Exception& exception);

// Returns what an exception says, for a person: without the code of the system call that failed, by
// which KJ_SYSCALL begins its text.
kj::String reasonOf(const kj::Exception& exception);

// Returns the failure that `exception` carries. Any other exception is logged with `operation` and
// becomes kind internal.
Failure toFailure(const kj::Exception& exception, kj::StringPtr operation);

// Returns a failure of `kind` as an exception that is not thrown yet. Its text is kj::str of the
// rest.
template <typename... Params>
kj::Exception failure(wire::Error::Kind kind, Params&&... params) {
  return toException({kind, 0, kj::str(kj::fwd<Params>(params)...)});
}

// Throws a failure of `kind` whose text is kj::str of the rest.
template <typename... Params>
[[noreturn]] void fail(wire::Error::Kind kind, Params&&... params) {
  kj::throwFatalException(failure(kind, kj::fwd<Params>(params)...));
  KJ_UNREACHABLE;
}

// Throws a failure for a system call that failed. The text is kj::str of the rest with ": " and the
// errno's own text.
template <typename... Params>
[[noreturn]] void failErrno(int errorNumber, Params&&... params) {
  kj::throwFatalException(
      toException({kindOfErrno(errorNumber), errorNumber,
                   kj::str(kj::fwd<Params>(params)..., ": ", errnoText(errorNumber))}));
  KJ_UNREACHABLE;
}

// Writes the failure, its text cut at 4 KiB at a character's border.
void writeError(wire::Error::Builder builder, const Failure& failure);
Failure readError(wire::Error::Reader reader);

// Runs a method's body, which returns void or kj::Promise<void>, and puts the failure that it
// throws into the results' `error`. Fields that the body had written stay. `operation` is a
// literal. Cancellation passes through.
template <typename Context, typename Body>
kj::Promise<void> answer(Context context, kj::StringPtr operation, Body&& body) {
  // A body without a result becomes a promise here, because the library's own handling of such
  // functions does not compile in 0.9.2.
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
