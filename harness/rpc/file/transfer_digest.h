// Computes the digests of what a transfer moves, a piece at a time: those that its ends compare,
// and the SHA-256 of the content that people are told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "schema/support/base/block_digest.h"
#include "schema/support/base/sha256.h"

namespace harness {

// By which digest an end of a transfer compares a file.
enum class DigestKind {
  // The SHA-256 of its content.
  kContent,

  // That of its blocks, for a file with holes: see schema/file.capnp.
  kBlocks,
};

class TransferDigest {
 public:
  // `source` and `target` are the digests that the ends compare; an end that compares none gives
  // none. `size` is the expected size of the file.
  TransferDigest(std::optional<DigestKind> source, std::optional<DigestKind> target, uint64_t size);

  // Adds a piece, which lies behind all that were added before. What is between them is zeros.
  void add(uint64_t offset, const std::string& bytes);

  // Takes in that the file ends at `size`, once, behind the last piece.
  void end(uint64_t size);

  // Returns the digest of a kind that one of the ends compares.
  support::Digest compared(DigestKind kind) const;

  // Returns the SHA-256 of the content in hexadecimal. Empty: the file has holes and is so large
  // that to compute it would take longer than the transfer.
  std::string content() const;

 private:
  void fill(uint64_t to);

  // Each is absent where it is not computed.
  std::optional<support::BlockDigest> blocks_;
  std::optional<support::Sha256> content_;

  // The place behind the last byte that was added.
  uint64_t at_ = 0;
};

}  // namespace harness
