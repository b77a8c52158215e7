// Connects the two ends of an enrolment (schema/enrol.capnp) by TLS. Only the server has a
// certificate, and the node knows its authority by a SHA-256 alone. All other connections are made
// by tls.h.
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
  // `own` is a certificate for kEnrolmentName. The server shows it together with `authority`, the
  // certificate (PEM) of the authority that made it. `timer` outlives this.
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
  // The certificate, PEM, whose digest was asked for.
  std::string authority;
};

// Says why a server must not be given a token.
enum class EnrolmentDoubt {
  // The failure has another cause: see the exception.
  kNone,
  // The server does not show the authority's certificate, or another authority made its own.
  kOtherAuthority,
  // The certificate is the authority's but for another name, such as a node's.
  kOtherName,
  // The clock here is outside of the certificate's validity.
  kClock
};

// Returns the doubt that an exception of connectForEnrolment stands for.
EnrolmentDoubt doubtOf(const kj::Exception& exception);

// Shakes hands as the node. Rejected before anything of ours is sent unless the server proves to be
// kEnrolmentName by a certificate of the authority whose own certificate has this digest.
kj::Promise<EnrolmentConnection> connectForEnrolment(kj::Own<kj::AsyncIoStream> stream,
                                                     const std::string& authoritySha256);

}  // namespace support
