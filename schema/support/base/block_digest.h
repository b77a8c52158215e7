// Computes the digest by which the ends of a transfer compare a file with holes: it takes time for
// the data, not for the holes. DigestKind in schema/file.capnp defines it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <kj/array.h>

#include "schema/support/base/sha256.h"

namespace support {

// Tells whether all bytes are zeros.
bool isZeros(kj::ArrayPtr<const kj::byte> bytes);

// One object belongs to one thread at a time.
class BlockDigest {
 public:
  static constexpr size_t kBlockBytes = 4096;

  // Adds bytes, which lie behind all that were added before. Those that are not added are zeros.
  void add(uint64_t offset, kj::ArrayPtr<const kj::byte> bytes);

  // Returns the digest of a file of `size` bytes with what was added so far.
  Digest digest(uint64_t size) const;

 private:
  static void addBlock(Sha256& hash, uint64_t offset, kj::ArrayPtr<const kj::byte> block);

  Sha256 hash_;

  // The block of which a part was added; empty: none is begun.
  uint64_t begunAt_ = 0;
  kj::Array<kj::byte> begun_;
};

}  // namespace support
