#include "schema/support/base/id.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include <algorithm>

#include <kj/debug.h>

namespace support {

void fillRandom(kj::ArrayPtr<kj::byte> bytes) {
  while (bytes.size() > 0) {
    ssize_t count = getrandom(bytes.begin(), bytes.size(), 0);
    if (count < 0) {
      if (errno == EINTR) continue;
      abort();
    }
    bytes = bytes.slice(count, bytes.size());
  }
}

uint64_t randomNumber() {
  uint64_t number;
  fillRandom(kj::arrayPtr(reinterpret_cast<kj::byte*>(&number), sizeof number));
  return number;
}

std::string hex(kj::ArrayPtr<const kj::byte> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (kj::byte byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Id Id::random() {
  Id id;
  fillRandom(kj::arrayPtr(id.bytes.data(), id.bytes.size()));
  return id;
}

Id Id::from(kj::ArrayPtr<const kj::byte> data) {
  KJ_REQUIRE(fits(data), "an id has 16 bytes");
  Id id;
  std::copy(data.begin(), data.end(), id.bytes.begin());
  return id;
}

}  // namespace support
