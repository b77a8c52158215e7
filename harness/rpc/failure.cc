#include "harness/rpc/failure.h"

#include <cstring>

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

// Marks a failure of ours, as that of wire_error.h does. The file of a peer's exception is another.
constexpr char kCancelledFile[] = "(cancelled)";

Kind kindOfWire(wire::Error::Kind kind) {
  switch (kind) {
    case wire::Error::Kind::INVALID:
      return Kind::kInvalid;
    case wire::Error::Kind::NOT_FOUND:
      return Kind::kNotFound;
    case wire::Error::Kind::CONFLICT:
      return Kind::kConflict;
    case wire::Error::Kind::DENIED:
      return Kind::kDenied;
    case wire::Error::Kind::UNSUPPORTED:
      return Kind::kUnsupported;
    case wire::Error::Kind::OVERLOADED:
      return Kind::kOverloaded;
    case wire::Error::Kind::EXPIRED:
      return Kind::kLost;
    case wire::Error::Kind::SYSTEM:
      return Kind::kSystem;
    case wire::Error::Kind::CORRUPT:
      return Kind::kCorrupt;
    case wire::Error::Kind::VERSION_MISMATCH:
    case wire::Error::Kind::WRONG_NODE:
    case wire::Error::Kind::REFUSED:
      return Kind::kRefused;
    case wire::Error::Kind::TIMEOUT:
      return Kind::kTimeout;
    case wire::Error::Kind::RESERVED:
      return Kind::kInfrastructure;
    case wire::Error::Kind::INTERNAL:
    case wire::Error::Kind::UNSPECIFIED:
      break;
  }
  return Kind::kInternal;
}

}  // namespace

Kind kindOf(const kj::Exception& exception) {
  if (std::strcmp(exception.getFile(), kCancelledFile) == 0) return Kind::kCancelled;
  KJ_IF_MAYBE (failure, support::carriedFailure(exception)) return kindOfWire(failure->kind);
  switch (exception.getType()) {
    case kj::Exception::Type::UNIMPLEMENTED:
      return Kind::kUnsupported;
    case kj::Exception::Type::OVERLOADED:
      return Kind::kOverloaded;
    case kj::Exception::Type::DISCONNECTED:
      return Kind::kUnreachable;
    case kj::Exception::Type::FAILED:
      break;
  }
  return Kind::kInternal;
}

kj::String textOf(const kj::Exception& exception) {
  if (exception.getType() == kj::Exception::Type::UNIMPLEMENTED) {
    return kj::str("the agent does not know this call; it may be older than this program");
  }
  return support::reasonOf(exception);
}

muster::NodeError toNodeError(const kj::Exception& exception, const std::string& node,
                              const std::string& operation) {
  int errnoValue = 0;
  KJ_IF_MAYBE (failure, support::carriedFailure(exception)) errnoValue = failure->errorNumber;
  return muster::NodeError(kindOf(exception), node, operation, textOf(exception).cStr(),
                           errnoValue);
}

kj::Exception unreachableNode(kj::StringPtr text) {
  return kj::Exception(kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__, kj::str(text));
}

kj::Exception cancelledCall(kj::StringPtr reason) {
  return kj::Exception(kj::Exception::Type::FAILED, kCancelledFile, 0, kj::str(reason));
}

}  // namespace harness
