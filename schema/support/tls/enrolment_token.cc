#include "schema/support/tls/enrolment_token.h"

#include <sstream>
#include <vector>

#include <openssl/crypto.h>

#include "schema/support/base/id.h"
#include "schema/support/base/sha256.h"
#include "schema/support/tls/pki.h"

namespace support {
namespace {

constexpr char kForm[] = "muster-token";
constexpr char kTokenVersion[] = "1";

std::string randomHex(size_t bytes) {
  auto random = kj::heapArray<kj::byte>(bytes);
  fillRandom(random);
  return hex(random);
}

bool isHex(const std::string& text, size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::string trimmed(const std::string& text) {
  constexpr char kSpace[] = " \t\r\n";
  size_t first = text.find_first_not_of(kSpace);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string> partsOf(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ':');) parts.push_back(part);
  return parts;
}

}  // namespace

EnrolmentToken EnrolmentToken::make(const std::string& nodeName,
                                    const std::string& authoritySha256) {
  return {nodeName, randomHex(8), randomHex(32), authoritySha256};
}

std::optional<EnrolmentToken> EnrolmentToken::fromText(const std::string& text, std::string* why) {
  std::string line = trimmed(text);
  std::vector<std::string> parts = partsOf(line);
  if (parts.empty() || parts[0] != kForm) {
    *why = "not a token: wanted the line that muster pki token prints, muster-token:1:…";
    return std::nullopt;
  }
  if (parts.size() < 2 || parts[1] != kTokenVersion) {
    *why = "a token of another version than 1: muster and nodeagent differ too much";
    return std::nullopt;
  }
  // getline makes no part after a last colon, so that one is looked for by itself.
  if (parts.size() != 6 || line.back() == ':' || !isCertificateName(parts[2]) ||
      !isHex(parts[3], 16) || !isHex(parts[4], 64) || !isHex(parts[5], 64)) {
    *why = "a token that is cut off or changed: wanted muster-token:1:NODE:ID:SECRET:AUTHORITY";
    return std::nullopt;
  }
  return EnrolmentToken{parts[2], parts[3], parts[4], parts[5]};
}

std::string EnrolmentToken::text() const {
  return std::string(kForm) + ":" + kTokenVersion + ":" + nodeName + ":" + id + ":" + secret + ":" +
         authoritySha256;
}

std::string hashOfSecret(const std::string& secret) {
  auto bytes = reinterpret_cast<const kj::byte*>(secret.data());
  Digest digest = Sha256::of(kj::arrayPtr(bytes, secret.size()));
  return hex(kj::arrayPtr(digest.data(), digest.size()));
}

bool equalInConstantTime(const std::string& left, const std::string& right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace support
