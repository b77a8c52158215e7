#include "schema/support/base/command_size.h"

#include "schema/support/base/wire_error.h"

namespace support {
namespace {

constexpr auto kInvalid = wire::Error::Kind::INVALID;

}  // namespace

void CommandSize::expectArguments(size_t count) {
  if (count > kArgumentsMax) fail(kInvalid, "argv: ", count, " items, at most ", kArgumentsMax);
}

void CommandSize::addArgument(size_t bytes) {
  // Each is followed by NUL.
  argumentBytes_ += bytes + 1;
  if (argumentBytes_ > kArgumentBytesMax)
    fail(kInvalid, "argv: more than ", kArgumentBytesMax, " bytes");
}

void CommandSize::expectVariables(size_t count) {
  if (count > kVariablesMax)
    fail(kInvalid, "environment: ", count, " items, at most ", kVariablesMax);
}

void CommandSize::addVariable(size_t nameBytes, size_t valueBytes) {
  // "=" stands between them, and NUL behind.
  variableBytes_ += nameBytes + valueBytes + 2;
  if (variableBytes_ > kVariableBytesMax)
    fail(kInvalid, "environment: more than ", kVariableBytesMax, " bytes");
}

}  // namespace support
