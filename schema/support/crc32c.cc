#include "schema/support/crc32c.h"

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
__attribute__((target("sse4.2"))) uint32_t byInstruction(const kj::byte* position, size_t left,
                                                         uint32_t value) {
  uint64_t wide = value;
  for (; left >= 8; left -= 8, position += 8) {
    uint64_t word;
    memcpy(&word, position, sizeof word);
    wide = _mm_crc32_u64(wide, word);
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
