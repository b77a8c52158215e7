// Makes the certificates of a cluster: an authority, a certificate for each node, one for each
// controller. For the provisioners and for tests; the agent itself only verifies.
#pragma once

#include <stdint.h>

#include <stdexcept>
#include <string>
#include <vector>

struct evp_pkey_st;

namespace support {

// PEM texts. The key is PKCS#8 without a password.
struct KeyPair {
  std::string certificate;
  std::string key;
};

// Who a certificate is for, spelled out so that a test can make a wrong one.
enum class Purpose { kServer, kClient };

struct Validity {
  int64_t beginsBeforeSeconds = 24 * 3600;  // Back-dated, since nodes' clocks differ.
  int64_t lastsSeconds = 90 * 24 * 3600;    // From now; negative: already over.
};

// Something that was given to be certified is not what it should be; the text says what.
class PkiError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A new key, and what an authority needs in order to certify it without ever seeing it.
struct CertificateRequest {
  std::string request;  // PKCS#10, PEM.
  std::string key;
};
CertificateRequest makeRequest(const std::string& commonName);

// The request of a key that is there already. Throws PkiError if it is none.
std::string requestFor(const std::string& key, const std::string& commonName);

// Tells requests' keys apart: the SHA-256 of the public key, in hexadecimal digits. Throws PkiError
// as Authority::certify does.
std::string keyDigestOfRequest(const std::string& request);

// What a node may be called, and what may stand behind "role:" in a controller's name: 1 to 64 of
// [A-Za-z0-9._-], the first a letter or digit.
bool isCertificateName(const std::string& name);

// All keys are P-256. Failures of OpenSSL are kj::Exceptions; they mean a broken installation.
class Authority {
 public:
  // A new authority, such as "muster cluster demo", for ten years.
  static Authority make(const std::string& name);

  // An authority that was kept. Throws kj::Exception if the texts are not a certificate and its
  // key.
  static Authority load(KeyPair pair);

  const std::string& certificate() const { return pair_.certificate; }
  const KeyPair& pair() const { return pair_; }

  // For a node's agent: SAN is its name, EKU serverAuth.
  KeyPair issueNode(const std::string& nodeName, const Validity& validity = {}) const;

  // For a controller: CN is "role:name", such as "operator:ci", EKU clientAuth.
  KeyPair issueClient(const std::string& identity, const Validity& validity = {}) const;

  // Any combination. Empty names are left out.
  KeyPair issue(const std::string& commonName, const std::vector<std::string>& dnsNames,
                Purpose purpose, const Validity& validity) const;

  // A certificate for the key of `request`, as issue() would make it: of the request itself nothing
  // but the key counts. Throws PkiError if it is not a request, its signature is not its key's, or
  // the key is not of P-256.
  std::string certify(const std::string& request, const std::string& commonName,
                      const std::vector<std::string>& dnsNames, Purpose purpose,
                      const Validity& validity) const;

 private:
  explicit Authority(KeyPair pair) : pair_(std::move(pair)) {}
  std::string certifyKey(evp_pkey_st* key, const std::string& commonName,
                         const std::vector<std::string>& dnsNames, Purpose purpose,
                         const Validity& validity) const;

  KeyPair pair_;
};

}  // namespace support
