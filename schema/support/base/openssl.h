// Holds the two rules for direct use of OpenSSL: handles are owned, and the thread's error queue is
// left empty. SSL_get_error looks into that queue, so a forgotten entry breaks the next TLS
// connection of the same thread, whichever connection that is.
#pragma once

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace support {

// Belongs at the top of every function that calls OpenSSL itself. It empties the queue before, so
// that an error found in it belongs to the call, and again afterwards.
class OpensslScope {
 public:
  OpensslScope() { clear(); }
  ~OpensslScope() { clear(); }
  OpensslScope(const OpensslScope&) = delete;

 private:
  // The check is worth its line: clearing an empty queue costs as much as encrypting a small
  // record.
  static void clear() {
    if (ERR_peek_error() != 0) ERR_clear_error();
  }
};

struct OpensslFree {
  void operator()(BIO* handle) const { BIO_free_all(handle); }
  void operator()(EVP_PKEY* handle) const { EVP_PKEY_free(handle); }
  void operator()(EVP_PKEY_CTX* handle) const { EVP_PKEY_CTX_free(handle); }
  void operator()(X509* handle) const { X509_free(handle); }
  void operator()(X509_REQ* handle) const { X509_REQ_free(handle); }
  void operator()(X509_EXTENSION* handle) const { X509_EXTENSION_free(handle); }
};

template <typename T>
using Openssl = std::unique_ptr<T, OpensslFree>;

// Returns the oldest error in the queue, for a message; "no reason given" if there is none.
inline std::string opensslReason() {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  return reason == nullptr ? "no reason given" : reason;
}

}  // namespace support
