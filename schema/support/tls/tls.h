// Makes both ends of a TLS connection as Muster uses it: version 1.3 only, one authority per
// cluster, certificates on both sides, no session tickets. A node is known by its name in the
// certificate and never by its address; a controller by its common name "role:name". The encryption
// itself is tls_stream.h.
#pragma once

#include <memory>
#include <string>

#include <kj/async-io.h>
#include <kj/timer.h>

#include "schema/common.capnp.h"
#include "schema/support/base/trusted_file.h"
#include "schema/support/tls/certificate.h"
#include "schema/support/tls/pki.h"

struct ssl_ctx_st;

namespace support {

// The texts that either side needs.
struct Credentials {
  // One to 16 certificates of authorities, PEM.
  std::string authority;
  KeyPair own;
  // A deny list, in the form that DenyList reads. Empty: nothing is denied.
  std::string denied = "";
};

struct CredentialFiles {
  std::string authority;
  std::string certificate;
  std::string key;
  // Empty: nothing is denied.
  std::string denied = "";
};

// Reads the files. Throws a failure that names the file and its fault.
Credentials loadCredentials(const CredentialFiles& files, FileCheck check = FileCheck::kStrict);

// The caller as the other side knows it.
struct Identity {
  // For example "operator:ci" or "uid:0".
  std::string name;
  wire::Role role = wire::Role::UNSPECIFIED;
};

// Reads a client certificate's common name. Fails with kind denied unless it is observer:,
// operator: or admin: and a name of [A-Za-z0-9._-]{1,64}.
Identity identityFromCommonName(kj::StringPtr commonName);

// The agent's end. It may be replaced while connections made with it go on. The constructor throws
// a failure of kind invalid if the texts are not what they should be, or the key is not the
// certificate's.
class TlsServer {
 public:
  // `timer` outlives this.
  TlsServer(const Credentials& credentials, kj::Timer& timer, kj::Duration handshakeLimit);

  struct Accepted {
    kj::Own<kj::AsyncIoStream> stream;
    Identity identity;
    // Names the client's certificate.
    CertificateMark mark;
    // Names the authority that vouches for it.
    CertificateMark authority;
  };

  // Shakes hands as the server. Rejected with kind denied if the client has no certificate, a wrong
  // one, or one on the deny list; with timeout or system if it is slow or goes away.
  kj::Promise<Accepted> accept(kj::Own<kj::AsyncIoStream> stream);

 private:
  std::shared_ptr<ssl_ctx_st> context_;
  kj::Timer& timer_;
  kj::Duration handshakeLimit_;
};

// The controller's end. Copies share one context.
class TlsClient {
 public:
  explicit TlsClient(const Credentials& credentials);

  // Shakes hands with a node that must prove that it is `nodeName`. A refusal of ours is a failure
  // of kind denied. The server's refusal of our own certificate shows only with the first call: see
  // classify.
  kj::Promise<kj::Own<kj::AsyncIoStream>> connect(kj::Own<kj::AsyncIoStream> stream,
                                                  kj::StringPtr nodeName);

  // Returns whether both are copies of one client.
  bool sharesWith(const TlsClient& other) const { return context_ == other.context_; }

 private:
  // Shared by copies of this and by the connections that they made.
  std::shared_ptr<ssl_ctx_st> context_;
};

enum class Remedy {
  // The node or the way to it is down: try again soon.
  kRetry,
  // A certificate is refused, by either side. Trying again soon changes nothing.
  kFixIdentity,
  // A certificate is refused because a clock is outside of its validity.
  kFixClock,
  // A certificate is refused because it is on the other side's deny list.
  kRevoked
};

// Says what to do about an exception from dialling or from the first call over a connection.
Remedy classify(const kj::Exception& exception);

}  // namespace support
