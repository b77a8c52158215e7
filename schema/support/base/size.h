// Reads sizes as people write them ("64MiB", "500 KiB", "3M"). It prints none.
#pragma once

#include <stdint.h>

#include <optional>
#include <string_view>

namespace support {

// Returns the bytes of a whole number with a unit out of KiB, MiB, GiB and TiB, or K, M, G and T,
// which mean the same; without one it is a number of bytes. nullopt: the text is anything else, or
// the size is beyond 64 bits.
std::optional<uint64_t> sizeFromText(std::string_view text);

}  // namespace support
