// Makes the certificates of a cluster: an authority, a certificate for each node, one for each
// controller. It serves the provisioners and tests; the agent itself only verifies.
#pragma once

#include <stdint.h>

#include <stdexcept>
#include <string>
#include <vector>

struct evp_pkey_st;

namespace support {

// A certificate and its key, as PEM texts. The key is PKCS#8 without a password.
struct KeyPair {
  std::string certificate;
  std::string key;
};

// Says which end a certificate is for. It is spelled out so that a test can make a wrong one.
enum class Purpose { kServer, kClient };

struct Validity {
  // Back-dates the certificate, because nodes' clocks differ.
  int64_t beginsBeforeSeconds = 24 * 3600;
  // Counts from now; negative makes a certificate that is already over.
  int64_t lastsSeconds = 90 * 24 * 3600;
};

// Thrown when a thing that was given to be certified is not what it should be; the text names the
// fault.
class PkiError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A new key, and the request by which an authority certifies it without ever seeing it.
struct CertificateRequest {
  // PKCS#10, PEM.
  std::string request;
  std::string key;
};
CertificateRequest makeRequest(const std::string& commonName);

// Makes the request for a key that exists already. Throws PkiError if `key` is none.
std::string requestFor(const std::string& key, const std::string& commonName);

// Returns the SHA-256 of the request's public key, in hexadecimal digits, by which requests' keys
// are told apart. Throws PkiError as Authority::certify does.
std::string keyDigestOfRequest(const std::string& request);

// Returns whether `name` may be a node's name, or the part behind "role:" in a controller's: 1 to
// 64 of [A-Za-z0-9._-], the first a letter or digit.
bool isCertificateName(const std::string& name);

// Signs certificates. All keys are P-256. A failure of OpenSSL is a kj::Exception; it means a
// broken installation.
class Authority {
 public:
  // Makes a new authority with a name such as "muster cluster demo", valid for ten years.
  static Authority make(const std::string& name);

  // Takes up an authority that was kept. Throws kj::Exception if the texts are not a certificate
  // and its key.
  static Authority load(KeyPair pair);

  const std::string& certificate() const { return pair_.certificate; }
  const KeyPair& pair() const { return pair_; }

  // Makes a node's certificate: SAN is its name, EKU serverAuth.
  KeyPair issueNode(const std::string& nodeName, const Validity& validity = {}) const;

  // Makes a controller's certificate: CN is "role:name", such as "operator:ci", EKU clientAuth.
  KeyPair issueClient(const std::string& identity, const Validity& validity = {}) const;

  // Makes a certificate with any combination of names and purpose. Empty names are left out.
  KeyPair issue(const std::string& commonName, const std::vector<std::string>& dnsNames,
                Purpose purpose, const Validity& validity) const;

  // Makes a certificate for the key of `request`, as issue() would make it. Nothing but the key
  // counts in the request. Throws PkiError if it is not a request, its signature is not its key's,
  // or the key is not of P-256.
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
