// TLS of an enrolment (schema/enrol.capnp): only the server has a certificate, and the node knows
// its authority by a SHA-256 alone. Everything else connects by tls.h.
#pragma once

#include <memory>
#include <string>

#include <kj/async-io.h>
#include <kj/timer.h>

#include "schema/support/tls/pki.h"

struct ssl_ctx_st;

namespace support {

class EnrolmentTlsServer {
 public:
  // `own` is a certificate for kEnrolmentName; it is shown together with `authority`, that of the
  // authority that made it (PEM). `timer` outlives this.
  EnrolmentTlsServer(const KeyPair& own, const std::string& authority, kj::Timer& timer,
                     kj::Duration handshakeLimit);

  // Shakes hands with anybody. Rejected with kind denied, or with timeout or system if the client
  // is slow or goes away.
  kj::Promise<kj::Own<kj::AsyncIoStream>> accept(kj::Own<kj::AsyncIoStream> stream);

 private:
  std::shared_ptr<ssl_ctx_st> context_;
  kj::Timer& timer_;
  kj::Duration handshakeLimit_;
};

struct EnrolmentConnection {
  kj::Own<kj::AsyncIoStream> stream;
  std::string authority;  // The certificate with the digest that was asked for, PEM.
};

// Why a server is not the one to give a token to.
enum class EnrolmentDoubt {
  kNone,            // Not that; see the exception.
  kOtherAuthority,  // It does not show the authority's certificate, or that did not make its own.
  kOtherName,       // The authority's, but for another name: a node's, for instance.
  kClock            // The clock here is outside of its validity.
};

// As an exception of connectForEnrolment.
EnrolmentDoubt doubtOf(const kj::Exception& exception);

// Shakes hands as the node. Rejected before anything of ours is sent unless the server proves to be
// kEnrolmentName by a certificate of the authority whose own certificate has this digest.
kj::Promise<EnrolmentConnection> connectForEnrolment(kj::Own<kj::AsyncIoStream> stream,
                                                     const std::string& authoritySha256);

}  // namespace support
