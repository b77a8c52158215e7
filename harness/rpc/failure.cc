#include "harness/rpc/failure.h"

#include <stdlib.h>

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

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
      return Kind::kRefused;
    case wire::Error::Kind::TIMEOUT:
      return Kind::kTimeout;
    case wire::Error::Kind::INTERNAL:
    case wire::Error::Kind::UNSPECIFIED:
      break;
  }
  return Kind::kInternal;
}

struct Parts {
  Kind kind;
  int errnoValue;
  kj::StringPtr text;
};

// "<mark><kind> <errno> <text>"
kj::Maybe<Parts> partsOf(const kj::Exception& exception) {
  kj::StringPtr description = exception.getDescription();
  if (!description.startsWith(kFailureMark)) return nullptr;
  char* end = nullptr;
  long kind = strtol(description.begin() + kFailureMark.size(), &end, 10);
  long errnoValue = strtol(end, &end, 10);
  size_t textAt = static_cast<size_t>(end - description.begin()) + 1;
  return Parts{static_cast<Kind>(kind), static_cast<int>(errnoValue), description.slice(textAt)};
}

}  // namespace

kj::Exception failure(Kind kind, kj::StringPtr text, int errnoValue) {
  return kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                       kj::str(kFailureMark, static_cast<int>(kind), ' ', errnoValue, ' ', text));
}

kj::Exception failureOf(wire::Error::Reader error) {
  Kind kind = kindOfWire(error.getKind());
  kj::String text = kj::str(error.getText());
  if (error.getIncident() != 0) {
    text = kj::str(text, " (the agent's log explains it under incident ", error.getIncident(), ")");
  }
  return failure(kind, text, error.getErrno());
}

Kind kindOf(const kj::Exception& exception) {
  KJ_IF_MAYBE (parts, partsOf(exception)) return parts->kind;
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
  KJ_IF_MAYBE (parts, partsOf(exception)) return kj::str(parts->text);
  if (exception.getType() == kj::Exception::Type::UNIMPLEMENTED) {
    return kj::str("the agent does not know this call; it may be older than this program");
  }
  return kj::str(exception.getDescription());
}

muster::NodeError toNodeError(const kj::Exception& exception, const std::string& node,
                              const std::string& operation) {
  int errnoValue = 0;
  KJ_IF_MAYBE (parts, partsOf(exception)) errnoValue = parts->errnoValue;
  return muster::NodeError(kindOf(exception), node, operation, textOf(exception).cStr(),
                           errnoValue);
}

}  // namespace harness
