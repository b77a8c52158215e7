@0x8bf3e46d2296c161;
# Gets a new node its first certificate, with a single-use token, from `muster pki serve`. Agents do not serve this.
#
# The node has no certificate yet, so only the server proves itself in the handshake (TLS 1.3). Its certificate is for
# the name "muster:enrolment", which no node can have, and was made by the authority whose SHA-256 the token carries.
# The server shows that authority's certificate too, and the node keeps it. The token's secret is sent only over a
# connection that was verified in this way. A connection carries one call, frames of at most 64 KiB, and lasts 10 s at
# most.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");

interface Enrolment {
  enrol @0 (tokenId :Text, secret :Text, request :Text) -> EnrolmentAnswer;
  # Exchanges the token and a certificate request (PKCS#10, PEM, key on P-256) for the node's certificate. Only the
  # key of the request counts: the names are those that the token was made for. The first key that is certified uses
  # the token up. Asked again with the same key while the token is valid, the server answers with the same
  # certificate.
}

struct EnrolmentAnswer {
  union {
    refusal @0 :EnrolmentRefusal;
    certificate @1 :Text;   # The node's server certificate, PEM.
  }
}

struct EnrolmentRefusal {
  reason @0 :Reason;
  text @1 :Text;   # For people; it never holds the secret.

  enum Reason {
    unspecified @0;
    unknownToken @1;   # No token has this id and secret: it was revoked, mistyped, or made by another directory.
    expiredToken @2;
    usedToken @3;      # It was used with another key.
    badRequest @4;     # It is no request signed with its own key on P-256. The token is not used up.
    nameTaken @5;      # The node has a certificate that another token made. The token is not used up.
    full @6;           # Too many nodes ask at once; ask again later.
    broken @7;         # The server cannot read or write its directory. Ask again later.
  }
}
