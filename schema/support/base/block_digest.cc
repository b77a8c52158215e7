#include "schema/support/base/block_digest.h"

#include <string.h>

#include <kj/debug.h>

namespace support {

bool isZeros(kj::ArrayPtr<const kj::byte> bytes) {
  // Each byte is compared with the one before it, by the fastest loop there is.
  return bytes.size() == 0 ||
         (bytes[0] == 0 && memcmp(bytes.begin(), bytes.begin() + 1, bytes.size() - 1) == 0);
}

namespace {

void addNumber(Sha256& hash, uint64_t number) {
  kj::byte bytes[8];
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = static_cast<kj::byte>(number >> (8 * i));
  hash.update(bytes);
}

}  // namespace

void BlockDigest::addBlock(Sha256& hash, uint64_t offset, kj::ArrayPtr<const kj::byte> block) {
  if (isZeros(block)) return;
  addNumber(hash, offset);
  hash.update(block);
}

void BlockDigest::add(uint64_t offset, kj::ArrayPtr<const kj::byte> bytes) {
  while (bytes.size() > 0) {
    size_t within = static_cast<size_t>(offset % kBlockBytes);
    uint64_t block = offset - within;
    if (begun_.size() > 0 && begunAt_ != block) {
      KJ_REQUIRE(begunAt_ < block, "bytes of a digest come in order");
      addBlock(hash_, begunAt_, begun_);
      begun_ = nullptr;
    }
    size_t count = kj::min(bytes.size(), kBlockBytes - within);
    if (count == kBlockBytes) {
      addBlock(hash_, block, bytes.slice(0, count));
    } else {
      if (begun_.size() == 0) {
        begunAt_ = block;
        begun_ = kj::heapArray<kj::byte>(kBlockBytes);
        memset(begun_.begin(), 0, kBlockBytes);
      }
      memcpy(begun_.begin() + within, bytes.begin(), count);
    }
    bytes = bytes.slice(count, bytes.size());
    offset += count;
  }
}

Digest BlockDigest::digest(uint64_t size) const {
  Sha256 hash = hash_;
  if (begun_.size() > 0) addBlock(hash, begunAt_, begun_);
  addNumber(hash, size);
  return hash.digest();
}

}  // namespace support
