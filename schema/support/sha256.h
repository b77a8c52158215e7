// SHA-256 over bytes that come in pieces.
#pragma once

#include <array>
#include <memory>

#include <kj/array.h>

namespace support {

using Digest = std::array<kj::byte, 32>;

// For one thread at a time. Leaves OpenSSL's error queue empty: a stale entry there breaks
// unrelated TLS connections.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(kj::ArrayPtr<const kj::byte> bytes);

  // Of all bytes so far; more may follow.
  Digest digest() const;

  static Digest of(kj::ArrayPtr<const kj::byte> bytes);

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};

}  // namespace support
