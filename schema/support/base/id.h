// Random ids: of sessions, uploads, keeper epochs and incidents.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <compare>
#include <string>

#include <kj/array.h>

namespace support {

// Fills `bytes` from the kernel's generator. Aborts the process if there is none, which no caller
// could mend.
void fillRandom(kj::ArrayPtr<kj::byte> bytes);
uint64_t randomNumber();

// Lower-case hexadecimal digits, two per byte.
std::string hex(kj::ArrayPtr<const kj::byte> bytes);

// 16 bytes that name something for ever. A value: compares, orders and prints.
struct Id {
  std::array<kj::byte, 16> bytes{};

  static Id random();

  // Throws kj::Exception (a failure of kind invalid is the caller's to make) unless `data` has 16
  // bytes; ask `fits` first where the bytes come from a peer.
  static Id from(kj::ArrayPtr<const kj::byte> data);
  static bool fits(kj::ArrayPtr<const kj::byte> data) { return data.size() == 16; }

  kj::ArrayPtr<const kj::byte> data() const { return kj::arrayPtr(bytes.data(), bytes.size()); }
  std::string text() const { return hex(data()); }
  auto operator<=>(const Id&) const = default;
};

}  // namespace support
