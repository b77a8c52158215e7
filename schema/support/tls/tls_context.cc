#include "schema/support/tls/tls_context.h"

#include <utility>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "schema/support/base/openssl.h"
#include "schema/support/base/wire_error.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;

// Asks for 112 bits of security: no RSA below 2048, no SHA-1.
constexpr int kSecurityLevel = 2;

// Holds the reason of the last refusal, because OpenSSL reports only "certificate verify failed".
// All handshakes of one thread share it, so the first that asks takes the reason away.
thread_local int lastVerifyError = X509_V_OK;

}  // namespace

std::shared_ptr<SSL_CTX> blankContext() {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_method()), SSL_CTX_free);
  if (context == nullptr) fail(Kind::INTERNAL, "no TLS context: ", opensslReason().c_str());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  // The machine's own OpenSSL configuration cannot lower this.
  SSL_CTX_set_security_level(context.get(), kSecurityLevel);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

void usePair(SSL_CTX* context, const KeyPair& pair) {
  Openssl<BIO> certificateText(
      BIO_new_mem_buf(pair.certificate.data(), static_cast<int>(pair.certificate.size())));
  Openssl<X509> certificate(PEM_read_bio_X509(certificateText.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) fail(Kind::INVALID, "tls certificate: not a certificate in PEM form");
  Openssl<BIO> keyText(BIO_new_mem_buf(pair.key.data(), static_cast<int>(pair.key.size())));
  Openssl<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(keyText.get(), nullptr, nullptr, const_cast<char*>("")));
  if (key == nullptr)
    fail(Kind::INVALID, "tls key: not a private key in PEM form without a password");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    fail(Kind::INVALID, "tls key: it does not belong to the certificate");
  }
  if (SSL_CTX_use_certificate(context, certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    fail(Kind::INVALID, "tls certificate: ", opensslReason().c_str());
  }
  // Certificates between ours and the authority's may follow ours.
  while (X509* next = PEM_read_bio_X509(certificateText.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) != 1) X509_free(next);
  }
}

int noteVerifyError(int good, X509_STORE_CTX* store) {
  if (good == 0) lastVerifyError = X509_STORE_CTX_get_error(store);
  return good;
}

kj::String verifyReason(const kj::Exception& exception) {
  int error = std::exchange(lastVerifyError, X509_V_OK);
  if (error == X509_V_OK) return kj::str(exception.getDescription());
  if (error == X509_V_ERR_CERT_REVOKED)
    return kj::str("certificate revoked: it is on the deny list");
  return kj::str("certificate refused: ", X509_verify_cert_error_string(error));
}

}  // namespace support
