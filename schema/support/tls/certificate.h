// What stands in a certificate, and which certificates are no longer accepted. For people who
// manage a cluster's certificates and for both ends of a connection; who is trusted is decided in
// tls.h.
#pragma once

#include <stdint.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

struct x509_st;

namespace support {

// Lower-case hexadecimal digits without separators; a serial number has no leading zeros. As the
// deny list writes them.
struct CertificateMark {
  std::string serial;
  std::string sha256;  // Of the whole certificate in DER form.
};

struct CertificateFacts {
  CertificateMark mark;
  std::string commonName;
  std::vector<std::string> dnsNames;
  bool isAuthority = false;
  bool forServers = false;  // Extended key usage.
  bool forClients = false;
  int64_t notBeforeSeconds = 0;  // Since 1970.
  int64_t notAfterSeconds = 0;
};

CertificateMark markOf(const x509_st* certificate);

// Of the first certificate in a PEM text; nullopt if there is none.
std::optional<CertificateFacts> describeCertificate(const std::string& pem);

// Whether one of the certificates in a PEM text has this digest.
bool holdsCertificate(const std::string& pem, const std::string& sha256);

// What a certificate must be in order to be a node's.
struct NodeClaim {
  std::string nodeName;
  std::string key;        // PEM.
  std::string authority;  // PEM; one or more.
};

// Why the first certificate in a PEM text would not do for that node now: not this authority's, not
// a server's, not for this name, outside of its time, or not this key's. Empty if it would.
std::string whyNotOfNode(const std::string& pem, const NodeClaim& claim);

// Refused certificates. A text with one a line, `serial HEX` or `sha256 HEX`; what follows '#' is a
// comment. Digits may be upper case and have colons between them, as openssl prints them.
class DenyList {
 public:
  // Nullopt for anything else; `*why` then tells the line and what would be right.
  static std::optional<DenyList> fromText(const std::string& text, std::string* why);

  bool covers(const CertificateMark& mark) const {
    return serials_.count(mark.serial) != 0 || fingerprints_.count(mark.sha256) != 0;
  }
  size_t size() const { return serials_.size() + fingerprints_.size(); }

 private:
  std::set<std::string> serials_;
  std::set<std::string> fingerprints_;
};

// A serial number or fingerprint in the form of CertificateMark; empty if `text` is none.
std::string plainHex(const std::string& text);

}  // namespace support
