#include "schema/support/base/wire_error.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <capnp/schema.h>
#include <kj/debug.h>

#include "schema/support/base/id.h"
#include "schema/support/base/log.h"

namespace support {
namespace {

// Marks an exception as a Failure: its "file" is this text and its "line" holds kind and errno. An
// exception has no other field for them in 0.9.2.
constexpr const char kFailureFile[] = "muster-failure";
constexpr int kErrnoBits = 16;
constexpr size_t kTextBytesMax = 4096;

kj::StringPtr exceptionTypeText(kj::Exception::Type type) {
  switch (type) {
    case kj::Exception::Type::FAILED:
      return "failed";
    case kj::Exception::Type::OVERLOADED:
      return "overloaded";
    case kj::Exception::Type::DISCONNECTED:
      return "disconnected";
    case kj::Exception::Type::UNIMPLEMENTED:
      return "unimplemented";
  }
  return "unknown";
}

size_t cutLength(kj::StringPtr text) {
  if (text.size() <= kTextBytesMax) return text.size();
  size_t length = kTextBytesMax;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  return length;
}

}  // namespace

kj::StringPtr kindText(wire::Error::Kind kind) {
  auto enumerants = capnp::Schema::from<wire::Error::Kind>().getEnumerants();
  auto number = static_cast<uint16_t>(kind);
  if (number >= enumerants.size()) return "unknown";
  return enumerants[number].getProto().getName();
}

kj::String errnoText(int errorNumber) {
  char buffer[128];
  return kj::str(strerror_r(errorNumber, buffer, sizeof buffer));
}

wire::Error::Kind kindOfErrno(int errorNumber) {
  using Kind = wire::Error::Kind;
  switch (errorNumber) {
    case ENOENT:
    case ESRCH:
    case ENODATA:
      return Kind::NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
      return Kind::CONFLICT;
    case EACCES:
    case EPERM:
      return Kind::DENIED;
    case EOPNOTSUPP:
    case ENOSYS:
      return Kind::UNSUPPORTED;
    case EINVAL:
    case ENAMETOOLONG:
      return Kind::INVALID;
    default:
      return Kind::SYSTEM;
  }
}

kj::Exception toException(const Failure& failure) {
  int line = (static_cast<int>(failure.kind) << kErrnoBits) |
             (failure.errorNumber & ((1 << kErrnoBits) - 1));
  return kj::Exception(kj::Exception::Type::FAILED, kFailureFile, line, kj::str(failure.text));
}

kj::Maybe<Failure> carriedFailure(const kj::Exception& exception) {
  if (strcmp(exception.getFile(), kFailureFile) != 0) return nullptr;
  return Failure{static_cast<wire::Error::Kind>(exception.getLine() >> kErrnoBits),
                 exception.getLine() & ((1 << kErrnoBits) - 1),
                 kj::str(exception.getDescription())};
}

// "::sendmsg(socket_, &message, flags): Broken pipe" has the code up to the bracket that closes the
// first one.
kj::String reasonOf(const kj::Exception& exception) {
  kj::StringPtr text = exception.getDescription();
  size_t at = 0;
  while (isalnum(static_cast<unsigned char>(text[at])) || text[at] == ':' || text[at] == '_') ++at;
  if (at == 0 || text[at] != '(' || carriedFailure(exception) != nullptr) return kj::str(text);
  for (int depth = 0; at < text.size(); ++at) {
    if (text[at] == '(') ++depth;
    if (text[at] == ')' && --depth == 0) break;
  }
  kj::StringPtr rest = at < text.size() ? text.slice(at + 1) : kj::StringPtr();
  return kj::str(rest.startsWith(": ") ? rest.slice(2) : text);
}

Failure toFailure(const kj::Exception& exception, kj::StringPtr operation) {
  KJ_IF_MAYBE (failure, carriedFailure(exception)) return kj::mv(*failure);
  // The number is never 0, which means that there is no incident.
  uint64_t incident = randomNumber() | 1;
  log(Level::kError, "a call failed in an unforeseen way",
      {{"op", operation},
       {"incident", incident},
       {"type", exceptionTypeText(exception.getType())},
       {"file", exception.getFile()},
       {"line", exception.getLine()},
       {"text", exception.getDescription()}});
  return {
      wire::Error::Kind::INTERNAL, 0,
      kj::str(operation, ": internal error; the agent's log explains it as incident ", incident),
      incident};
}

void writeError(wire::Error::Builder builder, const Failure& failure) {
  builder.setKind(failure.kind);
  builder.setErrno(failure.errorNumber);
  builder.setIncident(failure.incident);
  size_t length = cutLength(failure.text);
  memcpy(builder.initText(length).begin(), failure.text.begin(), length);
}

Failure readError(wire::Error::Reader reader) {
  return {reader.getKind(), reader.getErrno(), kj::str(reader.getText()), reader.getIncident()};
}

}  // namespace support
