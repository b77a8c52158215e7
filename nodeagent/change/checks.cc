#include "nodeagent/change/checks.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kj/vector.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kInterfaceBytesMax = 15;
constexpr size_t kHostBytesMax = 253;
constexpr size_t kAccountBytesMax = 32;
constexpr size_t kOutputLinesMax = 20;

bool contains(kj::StringPtr text, const char* part) {
  return strstr(text.cStr(), part) != nullptr;
}

bool isAlnum(char c) {
  return isalnum(static_cast<unsigned char>(c)) != 0;
}

// Sorts a failure of a program by the words that iproute2, mkfs, mount and the like share.
Kind kindOf(kj::StringPtr output) {
  if (contains(output, "Cannot find device") || contains(output, "does not exist")) {
    return Kind::NOT_FOUND;
  }
  if (contains(output, "not permitted") || contains(output, "ermission denied")) {
    return Kind::DENIED;
  }
  if (contains(output, "File exists")) return Kind::CONFLICT;
  if (contains(output, "not supported") || contains(output, "Unknown device type") ||
      contains(output, "unknown filesystem")) {
    return Kind::UNSUPPORTED;
  }
  return Kind::SYSTEM;
}

kj::String ended(const CommandResult& result, kj::ArrayPtr<const kj::String> argv) {
  auto lines = lastLines(result.output, kOutputLinesMax);
  size_t count = lines.size();
  // mount(8) ends with advice.
  if (count > 1 && contains(lines[count - 1], "dmesg(1)")) --count;
  kj::String what = count == 0 ? describeEnd(result) : kj::str(lines[count - 1]);
  return kj::str(kj::strArray(argv, " "), ": ", what);
}

kj::Array<kj::String> ipWords(std::initializer_list<kj::StringPtr> words) {
  kj::Vector<kj::String> argv;
  argv.add(kj::str("ip"));
  for (kj::StringPtr word : words) argv.add(kj::str(word));
  return argv.releaseAsArray();
}

void requireStarted(const CommandResult& result, kj::StringPtr program, kj::StringPtr package) {
  if (result.end == CommandResult::End::kNotStarted && result.value == ENOENT) {
    support::fail(Kind::UNSUPPORTED, "the node has no program ", program, "; install its package ",
                  package);
  }
}

}  // namespace

kj::String interfaceName(kj::StringPtr field, kj::StringPtr name) {
  bool isRight = name.size() > 0 && name.size() <= kInterfaceBytesMax && name != "." &&
                 name != ".." && !name.startsWith("-");
  for (char c : name) {
    isRight = isRight && c > ' ' && c < 0x7f && c != '/' && c != ':' && c != '%';
  }
  if (!isRight) {
    support::fail(Kind::INVALID, field, ": \"", name,
                  "\" is no name of an interface, which has 1 to 15 letters and digits");
  }
  return kj::str(name);
}

kj::String hostName(kj::StringPtr field, kj::StringPtr name) {
  bool isRight = name.size() > 0 && name.size() <= kHostBytesMax && isAlnum(name[0]) &&
                 isAlnum(name[name.size() - 1]);
  for (char c : name) isRight = isRight && (isAlnum(c) || c == '-' || c == '.' || c == '_');
  if (!isRight) {
    support::fail(Kind::INVALID, field, ": \"", name,
                  "\" is no host name, which has letters, digits, \"-\" and \".\"");
  }
  return kj::str(name);
}

kj::String accountName(kj::StringPtr field, kj::StringPtr name) {
  bool isRight = name.size() > 0 && name.size() <= kAccountBytesMax &&
                 (isalpha(static_cast<unsigned char>(name[0])) != 0 || name[0] == '_');
  for (char c : name) isRight = isRight && (isAlnum(c) || c == '-' || c == '.' || c == '_');
  if (!isRight) {
    support::fail(Kind::INVALID, field, ": \"", name,
                  "\" is no name of a user or group, which has 1 to 32 letters, digits, \"-\", "
                  "\".\" and \"_\" and begins with a letter");
  }
  return kj::str(name);
}

kj::String decimal(uint64_t number) {
  return kj::str(number);
}

uint64_t numberOf(kj::StringPtr decimal) {
  return strtoull(decimal.cStr(), nullptr, 10);
}

kj::Array<kj::String> words(std::initializer_list<kj::StringPtr> words) {
  kj::Vector<kj::String> argv;
  for (kj::StringPtr word : words) argv.add(kj::str(word));
  return argv.releaseAsArray();
}

kj::String runTool(const Surroundings& node, kj::StringPtr package,
                   kj::ArrayPtr<const kj::String> argv, int64_t limitNs) {
  CommandResult result = node.run(argv, limitNs);
  requireStarted(result, argv[0], package);
  kj::String output = kj::heapString(result.output.asChars().begin(), result.output.size());
  if (result.succeeded()) return output;
  support::fail(kindOf(output), ended(result, argv));
}

kj::String ip(const Surroundings& node, std::initializer_list<kj::StringPtr> words) {
  return runTool(node, "iproute2", ipWords(words));
}

bool ipIfThere(const Surroundings& node, std::initializer_list<kj::StringPtr> words) {
  auto argv = ipWords(words);
  CommandResult result = node.run(argv, kToolNs);
  requireStarted(result, "ip", "iproute2");
  if (result.succeeded()) return true;
  kj::String output = kj::heapString(result.output.asChars().begin(), result.output.size());
  if (contains(output, "Cannot find device") || contains(output, "does not exist") ||
      contains(output, "Cannot assign requested address") ||
      contains(output, "Address not found")) {
    return false;
  }
  support::fail(kindOf(output), ended(result, argv));
}

kj::Maybe<kj::String> interfaceLine(const Surroundings& node, kj::StringPtr interface) {
  auto argv = ipWords({"-o", "link", "show", "dev", interface});
  CommandResult result = node.run(argv, kToolNs);
  requireStarted(result, "ip", "iproute2");
  kj::String output = kj::heapString(result.output.asChars().begin(), result.output.size());
  if (result.succeeded()) return kj::mv(output);
  if (kindOf(output) == Kind::NOT_FOUND) return nullptr;
  support::fail(kindOf(output), ended(result, argv));
}

void requireInterface(const Surroundings& node, kj::StringPtr interface) {
  if (interfaceLine(node, interface) == nullptr) {
    support::fail(Kind::NOT_FOUND, "the node has no interface ", interface);
  }
}

void requireNoInterface(const Surroundings& node, kj::StringPtr interface) {
  if (interfaceLine(node, interface) != nullptr) {
    support::fail(Kind::CONFLICT, "the node has an interface ", interface, " already");
  }
}

}  // namespace nodeagent::change
