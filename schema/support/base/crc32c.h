// Computes CRC32C (Castagnoli, RFC 3720 appendix B.4), the check sum that Chunk.crc32c carries.
#pragma once

#include <stdint.h>

#include <kj/array.h>

namespace support {

// Returns the check sum of `bytes`. `before` is the value of the bytes that precede them, 0 if
// there are none. Uses SSE 4.2 where the processor has it.
uint32_t crc32c(kj::ArrayPtr<const kj::byte> bytes, uint32_t before = 0);

// Computes crc32c() by table, for the test that compares both.
uint32_t crc32cByTable(kj::ArrayPtr<const kj::byte> bytes, uint32_t before = 0);

}  // namespace support
