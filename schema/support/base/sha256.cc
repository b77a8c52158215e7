// OpenSSL marks these functions as deprecated in favour of EVP, which does the same work but
// allocates twice for a digest: more than all else that a digest of a few hundred bytes costs.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "schema/support/base/sha256.h"

#include <kj/debug.h>

namespace support {
namespace {

void require(int result) {
  KJ_ASSERT(result == 1, "sha256 is not available in this OpenSSL");
}

}  // namespace

Sha256::Sha256() {
  require(SHA256_Init(&state_));
}

void Sha256::update(kj::ArrayPtr<const kj::byte> bytes) {
  require(SHA256_Update(&state_, bytes.begin(), bytes.size()));
}

Digest Sha256::digest() const {
  SHA256_CTX copy = state_;
  Digest result;
  require(SHA256_Final(result.data(), &copy));
  return result;
}

Digest Sha256::of(kj::ArrayPtr<const kj::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.digest();
}

}  // namespace support
