// CRC32C (Castagnoli, RFC 3720 appendix B.4), as Chunk.crc32c carries it.
#pragma once

#include <stdint.h>

#include <kj/array.h>

namespace support {

// `before` is the value of the bytes that precede, to continue; 0 to begin. Uses SSE 4.2 where the
// processor has it.
uint32_t crc32c(kj::ArrayPtr<const kj::byte> bytes, uint32_t before = 0);

// The same by table, for the test that compares them.
uint32_t crc32cByTable(kj::ArrayPtr<const kj::byte> bytes, uint32_t before = 0);

}  // namespace support
