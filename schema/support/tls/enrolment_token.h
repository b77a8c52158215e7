// Defines the token by which a new node gets its first certificate: the text that is printed, and
// the part of it that is kept. Its use is written in schema/enrol.capnp.
//
//   muster-token:1:NODE:ID:SECRET:AUTHORITY
//
// NODE is the name that the certificate will be for. ID tells tokens apart and is no secret. SECRET
// is 256 random bits. AUTHORITY is the SHA-256 of the authority's certificate, by which the node
// recognises the server that it may give the secret to.
#pragma once

#include <optional>
#include <string>

namespace support {

struct EnrolmentToken {
  std::string nodeName;
  // 16 hexadecimal digits.
  std::string id;
  // 64 hexadecimal digits.
  std::string secret;
  // 64 hexadecimal digits, as in CertificateMark.
  std::string authoritySha256;

  // Makes a new token. `nodeName` is a name that a certificate can have.
  static EnrolmentToken make(const std::string& nodeName, const std::string& authoritySha256);

  // Reads a token and ignores white space around it. On failure returns nullopt, and `*why` names
  // the fault without repeating any of the text.
  static std::optional<EnrolmentToken> fromText(const std::string& text, std::string* why);

  std::string text() const;
};

// Returns the hash by which the server remembers a secret, in hexadecimal digits. A fast hash is
// enough: nobody can guess 256 random bits, so a slow one would slow down nothing.
std::string hashOfSecret(const std::string& secret);

// Returns whether both are equal, in a time that does not depend on where they differ.
bool equalInConstantTime(const std::string& left, const std::string& right);

// The name in the certificate of the enrolment server. No node may have it.
constexpr char kEnrolmentName[] = "muster:enrolment";

}  // namespace support
