#include "schema/support/base/crc32c.h"

#include <string.h>

#include <array>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace support {
namespace {

constexpr uint32_t kPolynomialReflected = 0x82f63b78;

constexpr std::array<std::array<uint32_t, 256>, 8> makeTables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomialReflected : 0);
    tables[0][i] = value;
  }
  for (size_t t = 1; t < tables.size(); ++t) {
    for (size_t i = 0; i < 256; ++i) {
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xff];
    }
  }
  return tables;
}

constexpr auto kTables = makeTables();

#if defined(__x86_64__)
// The instruction takes three cycles, but a new one can begin in each. Three lanes of a block
// therefore go on at once.
constexpr size_t kLaneBytes = 1024;

// Maps a value to the one it becomes by kLaneBytes zero bytes: the exclusive or of one entry for
// each of its bytes. That is how the sums of the lanes are joined.
constexpr std::array<std::array<uint32_t, 256>, 4> makeLaneTables() {
  std::array<uint32_t, 32> shift{};  // The image of each single bit.
  for (uint32_t bit = 0; bit < 32; ++bit) {
    uint32_t value = uint32_t{1} << bit;
    shift[bit] = (value >> 8) ^ kTables[0][value & 0xff];
  }
  auto apply = [](const std::array<uint32_t, 32>& to, uint32_t value) {
    uint32_t result = 0;
    for (uint32_t bit = 0; bit < 32; ++bit) {
      if ((value >> bit & 1) != 0) result ^= to[bit];
    }
    return result;
  };
  // The map is linear, so applying it to itself doubles the number of zero bytes.
  for (size_t bytes = 1; bytes < kLaneBytes; bytes *= 2) {
    auto twice = shift;
    for (auto& image : twice) image = apply(shift, image);
    shift = twice;
  }
  std::array<std::array<uint32_t, 256>, 4> tables{};
  for (uint32_t byte = 0; byte < 4; ++byte) {
    for (uint32_t value = 0; value < 256; ++value) {
      tables[byte][value] = apply(shift, value << (8 * byte));
    }
  }
  return tables;
}

constexpr auto kLaneTables = makeLaneTables();

uint32_t overLane(uint64_t value) {
  return kLaneTables[0][value & 0xff] ^ kLaneTables[1][value >> 8 & 0xff] ^
         kLaneTables[2][value >> 16 & 0xff] ^ kLaneTables[3][value >> 24 & 0xff];
}

uint64_t wordAt(const kj::byte* position) {
  uint64_t word;
  memcpy(&word, position, sizeof word);
  return word;
}

__attribute__((target("sse4.2"))) uint32_t byInstruction(const kj::byte* position, size_t left,
                                                         uint32_t value) {
  uint64_t wide = value;
  for (; left >= 3 * kLaneBytes; left -= 3 * kLaneBytes, position += 3 * kLaneBytes) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < kLaneBytes; i += sizeof wide) {
      wide = _mm_crc32_u64(wide, wordAt(position + i));
      second = _mm_crc32_u64(second, wordAt(position + kLaneBytes + i));
      third = _mm_crc32_u64(third, wordAt(position + 2 * kLaneBytes + i));
    }
    wide = overLane(overLane(wide) ^ second) ^ third;
  }
  for (; left >= sizeof wide; left -= sizeof wide, position += sizeof wide) {
    wide = _mm_crc32_u64(wide, wordAt(position));
  }
  value = static_cast<uint32_t>(wide);
  for (; left > 0; --left) value = _mm_crc32_u8(value, *position++);
  return value;
}
#endif

}  // namespace

uint32_t crc32cByTable(kj::ArrayPtr<const kj::byte> bytes, uint32_t before) {
  uint32_t value = ~before;
  const kj::byte* position = bytes.begin();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, position += 8) {
    uint32_t low =
        value ^ (position[0] | position[1] << 8 | position[2] << 16 | uint32_t{position[3]} << 24);
    value = kTables[7][low & 0xff] ^ kTables[6][low >> 8 & 0xff] ^ kTables[5][low >> 16 & 0xff] ^
            kTables[4][low >> 24] ^ kTables[3][position[4]] ^ kTables[2][position[5]] ^
            kTables[1][position[6]] ^ kTables[0][position[7]];
  }
  for (; left > 0; --left) value = (value >> 8) ^ kTables[0][(value ^ *position++) & 0xff];
  return ~value;
}

uint32_t crc32c(kj::ArrayPtr<const kj::byte> bytes, uint32_t before) {
#if defined(__x86_64__)
  static const bool kAvailable = __builtin_cpu_supports("sse4.2");
  if (kAvailable) return ~byInstruction(bytes.begin(), bytes.size(), ~before);
#endif
  return crc32cByTable(bytes, before);
}

}  // namespace support
