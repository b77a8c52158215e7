// Makes random ids: of sessions, uploads, keeper epochs and incidents.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <compare>
#include <string>

#include <kj/array.h>

namespace support {

// Fills `bytes` from the kernel's generator. Aborts the process if there is none, because no caller
// could repair that.
void fillRandom(kj::ArrayPtr<kj::byte> bytes);
uint64_t randomNumber();

// Returns lower-case hexadecimal digits, two per byte.
std::string hex(kj::ArrayPtr<const kj::byte> bytes);

// An id is 16 bytes that name one thing for ever. It is a value that compares, orders and prints.
struct Id {
  std::array<kj::byte, 16> bytes{};

  static Id random();

  // Throws kj::Exception unless `data` has 16 bytes. Where the bytes come from a peer, ask `fits`
  // first and report a failure of kind invalid.
  static Id from(kj::ArrayPtr<const kj::byte> data);
  static bool fits(kj::ArrayPtr<const kj::byte> data) { return data.size() == 16; }

  kj::ArrayPtr<const kj::byte> data() const { return kj::arrayPtr(bytes.data(), bytes.size()); }
  std::string text() const { return hex(data()); }
  auto operator<=>(const Id&) const = default;
};

}  // namespace support
