// TLS as Muster uses it: version 1.3 only, one authority per cluster, certificates on both sides,
// no session tickets. A node is known by its name in the certificate and never by its address; a
// controller by its common name "role:name".
#pragma once

#include <memory>
#include <string>

#include <kj/async-io.h>
#include <kj/timer.h>

#include "schema/agent.capnp.h"
#include "schema/support/base/trusted_file.h"
#include "schema/support/tls/certificate.h"
#include "schema/support/tls/pki.h"

struct ssl_ctx_st;

namespace support {

// What either side needs, as texts.
struct Credentials {
  std::string authority;  // One or more certificates of authorities, PEM; at most 16.
  KeyPair own;
  std::string denied = "";  // Certificates that are not accepted: see DenyList.
};

struct CredentialFiles {
  std::string authority;
  std::string certificate;
  std::string key;
  std::string denied = "";  // Empty: nothing is denied.
};

// Throws a failure that names the file and what is wrong with it.
Credentials loadCredentials(const CredentialFiles& files, FileCheck check = FileCheck::kStrict);

// Whom the other side takes the caller for.
struct Identity {
  std::string name;  // "operator:ci", "uid:0"
  wire::Role role = wire::Role::UNSPECIFIED;
};

// From a client certificate's common name. Fails with kind denied if it is not observer:, operator:
// or admin: and a name of [A-Za-z0-9._-]{1,64}.
Identity identityFromCommonName(kj::StringPtr commonName);

// A context may be replaced while connections made with it go on. Throws a failure of kind invalid
// if the texts are not what they should be, or the key is not the certificate's.
class TlsServer {
 public:
  // `timer` outlives it.
  TlsServer(const Credentials& credentials, kj::Timer& timer, kj::Duration handshakeLimit);

  struct Accepted {
    kj::Own<kj::AsyncIoStream> stream;
    Identity identity;
    CertificateMark mark;       // Of the client's certificate.
    CertificateMark authority;  // Of the authority that vouches for it.
  };

  // Shakes hands as the server. Rejected with kind denied if the client has no certificate or not a
  // right one, or one on the deny list; with timeout or system if it is slow or goes away.
  kj::Promise<Accepted> accept(kj::Own<kj::AsyncIoStream> stream);

 private:
  std::shared_ptr<ssl_ctx_st> context_;
  kj::Timer& timer_;
  kj::Duration handshakeLimit_;
};

class TlsClient {
 public:
  explicit TlsClient(const Credentials& credentials);

  // Shakes hands with a node that must prove that it is `nodeName`. A refusal of ours is a failure
  // of kind denied. The server's refusal of our own certificate shows only with the first call: see
  // classify.
  kj::Promise<kj::Own<kj::AsyncIoStream>> connect(kj::Own<kj::AsyncIoStream> stream,
                                                  kj::StringPtr nodeName);

  // Whether both are copies of one.
  bool sharesWith(const TlsClient& other) const { return context_ == other.context_; }

 private:
  std::shared_ptr<ssl_ctx_st> context_;  // Shared by copies of this and by what they connected.
};

enum class Remedy {
  kRetry,        // The node or the way to it is down: try again soon.
  kFixIdentity,  // A certificate is refused, by either side. Trying again soon changes nothing.
  kFixClock,     // As kFixIdentity, because a clock is outside of a certificate's validity.
  kRevoked       // As kFixIdentity, because a certificate is on the other side's deny list.
};

// Why a connection could not be made, for an exception from dialling or from the first call over
// it.
Remedy classify(const kj::Exception& exception);

}  // namespace support
