// Computes SHA-256 over bytes that come in pieces.
#pragma once

#include <array>

#include <kj/array.h>
#include <openssl/sha.h>

namespace support {

using Digest = std::array<kj::byte, 32>;

// One object belongs to one thread at a time. OpenSSL's error queue stays as it is.
class Sha256 {
 public:
  Sha256();

  void update(kj::ArrayPtr<const kj::byte> bytes);

  // Returns the digest of all bytes so far; more may follow.
  Digest digest() const;

  static Digest of(kj::ArrayPtr<const kj::byte> bytes);

 private:
  SHA256_CTX state_;
};

}  // namespace support
