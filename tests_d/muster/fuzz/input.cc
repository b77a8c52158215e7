#include "tests_d/muster/fuzz/input.h"

#include <string.h>

#include <algorithm>
#include <iterator>

#include <kj/debug.h>

#include "schema/support/base/wire_error.h"

namespace fuzz {
namespace {

const char* const kWords[] = {
    "",           ".",           "..",          "/",        "../x",
    "a/../b",     "a//b",        "/tmp",        "a",        "server[1-3]",
    "n[01-10/3]", "@*",          "operator:ci", "role:",    "PATH=x",
    "127.0.0.1",  "tls:[::1]:1", "unix:/x",     "1.5s",     "9223372036854775807ns",
    "-1",         "\x1b[2J",     "a\nb",        "\xff\xfe", "%s%n",
    "x=y",        "part 2f78",   "file 2f78 -"};

}  // namespace

uint8_t Input::byte() {
  if (rest_.size() == 0) return 0;
  uint8_t first = rest_[0];
  rest_ = rest_.slice(1, rest_.size());
  return first;
}

uint32_t Input::below(uint32_t end) {
  uint32_t value = byte();
  if (end > 256) value |= static_cast<uint32_t>(byte()) << 8;
  return value % end;
}

uint64_t Input::number() {
  uint8_t kind = byte();
  if (kind < 64) return kind;
  if (kind < 128) return (uint64_t{1} << (kind % 64)) + byte() % 3 - 1;
  if (kind < 160) return ~uint64_t{0} - kind % 32;
  uint64_t value = 0;
  size_t count = std::min<size_t>(kind % 8 + 1, rest_.size());
  memcpy(&value, rest_.begin(), count);
  rest_ = rest_.slice(count, rest_.size());
  return value;
}

kj::ArrayPtr<const kj::byte> Input::bytes(size_t bytesMax) {
  size_t count = std::min<size_t>({byte(), bytesMax, rest_.size()});
  auto taken = rest_.slice(0, count);
  rest_ = rest_.slice(count, rest_.size());
  return taken;
}

std::string Input::text(size_t bytesMax) {
  uint8_t kind = byte();
  if (kind < 96) return std::string(kWords[kind % std::size(kWords)]).substr(0, bytesMax);
  if (kind < 104) return std::string(std::min<size_t>(bytesMax, size_t{1} << (kind % 16 + 4)), 'x');
  auto taken = bytes(bytesMax);
  return {reinterpret_cast<const char*>(taken.begin()), taken.size()};
}

kj::ArrayPtr<const kj::byte> Input::rest() {
  auto taken = rest_;
  rest_ = nullptr;
  return taken;
}

void expectTyped(const kj::Exception& exception) {
  support::Failure failure = support::toFailure(exception, "fuzz");
  KJ_ASSERT(
      failure.kind != wire::Error::Kind::INTERNAL && failure.kind != wire::Error::Kind::UNSPECIFIED,
      "a failure that no service foresaw", exception);
  KJ_ASSERT(failure.text.size() > 0, "a failure without a text", exception);
}

}  // namespace fuzz
