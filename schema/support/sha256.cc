#include "schema/support/sha256.h"

#include <kj/debug.h>
#include <openssl/err.h>
#include <openssl/evp.h>

namespace support {
namespace {

EVP_MD_CTX* native(void* context) {
  return static_cast<EVP_MD_CTX*>(context);
}

void require(int result) {
  ERR_clear_error();
  KJ_ASSERT(result == 1, "sha256 is not available in this OpenSSL");
}

}  // namespace

void Sha256::Free::operator()(void* context) const {
  EVP_MD_CTX_free(native(context));
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  // Fetched once: a fetch per digest costs more than a small digest itself.
  static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  require(EVP_DigestInit_ex2(native(context_.get()), kAlgorithm, nullptr));
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(kj::ArrayPtr<const kj::byte> bytes) {
  require(EVP_DigestUpdate(native(context_.get()), bytes.begin(), bytes.size()));
}

Digest Sha256::digest() const {
  std::unique_ptr<void, Free> copy(EVP_MD_CTX_new());
  require(EVP_MD_CTX_copy_ex(native(copy.get()), native(context_.get())));
  Digest result;
  require(EVP_DigestFinal_ex(native(copy.get()), result.data(), nullptr));
  return result;
}

Digest Sha256::of(kj::ArrayPtr<const kj::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.digest();
}

}  // namespace support
