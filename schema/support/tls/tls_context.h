// What every TLS context of Muster has in common, whoever may connect by it: version 1.3 only, no
// session tickets, and reasons of refusals that can be told. For tls.cc and enrolment_tls.cc.
#pragma once

#include <memory>

#include <kj/exception.h>
#include <kj/string.h>

#include "schema/support/tls/pki.h"

struct ssl_ctx_st;
struct x509_store_ctx_st;

namespace support {

// Knows no certificate yet, and verifies nobody.
std::shared_ptr<ssl_ctx_st> blankContext();

// Throws a failure of kind invalid if these are not a certificate and its key.
void usePair(ssl_ctx_st* context, const KeyPair& pair);

// A verify callback (SSL_CTX_set_verify): notes why a certificate is refused, for verifyReason.
int noteVerifyError(int good, x509_store_ctx_st* store);

// What a refused handshake's exception means, with the reason noted last on this thread.
kj::String verifyReason(const kj::Exception& exception);

}  // namespace support
