// The token by which a new node gets its first certificate: what is printed, and what of it is
// kept. How it is used is written in schema/enrol.capnp.
//
//   muster-token:1:NODE:ID:SECRET:AUTHORITY
//
// NODE is the name that the certificate will be for, ID tells tokens apart and is no secret, SECRET
// is 256 random bits, AUTHORITY is the SHA-256 of the authority's certificate: by it the node knows
// whom to give the secret to.
#pragma once

#include <optional>
#include <string>

namespace support {

struct EnrolmentToken {
  std::string nodeName;
  std::string id;               // 16 hexadecimal digits.
  std::string secret;           // 64 of them.
  std::string authoritySha256;  // Likewise, as CertificateMark has it.

  // A new one. `nodeName` is a name that a certificate can have.
  static EnrolmentToken make(const std::string& nodeName, const std::string& authoritySha256);

  // White space around it is ignored. On failure nullopt, and `*why` says what is wrong without
  // repeating any of it.
  static std::optional<EnrolmentToken> fromText(const std::string& text, std::string* why);

  std::string text() const;
};

// What is kept of a secret, in hexadecimal digits. Enough: a secret cannot be guessed, so there is
// nothing that a slow hash would slow down.
std::string hashOfSecret(const std::string& secret);

// Whether both are equal, in a time that does not tell where they differ.
bool equalInConstantTime(const std::string& left, const std::string& right);

// The name in the certificate of the server that answers, which no node may have.
constexpr char kEnrolmentName[] = "muster:enrolment";

}  // namespace support
