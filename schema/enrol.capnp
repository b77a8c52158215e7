@0x8bf3e46d2296c161;
# How a new node gets its first certificate: with a single-use token, from `muster pki serve`.
#
# Not served by agents. The node has no certificate yet, so only the server proves itself in the handshake (TLS 1.3):
# by a certificate for the name "muster:enrolment", which no node can have, of the authority whose SHA-256 the token
# carries. The server shows that authority's certificate too, and the node keeps it. The token's secret is sent only
# over a connection that was verified so. One call a connection; frames of at most 64 KiB; 10 s for all of it.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");

interface Enrolment {
  enrol @0 (tokenId :Text, secret :Text, request :Text) -> EnrolmentAnswer;
  # Exchanges the token and a certificate request (PKCS#10, PEM, key on P-256) for the node's certificate. Of the
  # request only the key counts: the names are those that the token was made for. The first key that is certified
  # uses the token up; asked again with the same key while the token is valid, the answer is the same certificate.
}

struct EnrolmentAnswer {
  union {
    refusal @0 :EnrolmentRefusal;
    certificate @1 :Text;   # PEM, of the node: its server certificate.
  }
}

struct EnrolmentRefusal {
  reason @0 :Reason;
  text @1 :Text;   # For people; never with the secret in it.

  enum Reason {
    unspecified @0;
    unknownToken @1;   # No token of this id, or not its secret: withdrawn, mistyped, or of another directory.
    expiredToken @2;
    usedToken @3;      # It was used with another key.
    badRequest @4;     # Not a request, not signed with its own key, or not a key on P-256. The token is not used up.
    nameTaken @5;      # The node has a certificate that was not made by this token. The token is not used up.
    full @6;           # Too many ask at once; ask again later.
    broken @7;         # The server cannot read or write its directory. Ask again later.
  }
}
