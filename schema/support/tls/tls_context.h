// Makes the part that every TLS context of Muster has in common: version 1.3 only, no session
// tickets, and refusals whose reasons can be told. It verifies nobody. For tls.cc and
// enrolment_tls.cc.
#pragma once

#include <memory>

#include <kj/exception.h>
#include <kj/string.h>

#include "schema/support/tls/pki.h"

struct ssl_ctx_st;
struct x509_store_ctx_st;

namespace support {

// Makes a context that knows no certificate yet and verifies nobody.
std::shared_ptr<ssl_ctx_st> blankContext();

// Gives the context its certificate and key. Throws a failure of kind invalid if `pair` is not a
// certificate and its key.
void usePair(ssl_ctx_st* context, const KeyPair& pair);

// A verify callback (SSL_CTX_set_verify) that notes why a certificate is refused, for verifyReason.
int noteVerifyError(int good, x509_store_ctx_st* store);

// Explains a refused handshake's exception by the reason that was noted last on this thread.
kj::String verifyReason(const kj::Exception& exception);

}  // namespace support
