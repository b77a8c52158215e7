// Reads certificates and deny lists: the names, times and digests in a certificate, and the
// certificates that are no longer accepted. It serves people who manage a cluster's certificates
// and both ends of a connection. It does not decide whom to trust: tls.h does.
#pragma once

#include <stdint.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

struct x509_st;

namespace support {

// Identifies one certificate, as the deny list writes it: lower-case hexadecimal digits without
// separators. A serial number has no leading zeros.
struct CertificateMark {
  std::string serial;
  // The digest of the whole certificate in DER form.
  std::string sha256;
};

struct CertificateFacts {
  CertificateMark mark;
  std::string commonName;
  std::vector<std::string> dnsNames;
  bool isAuthority = false;
  // The extended key usage: serverAuth, clientAuth.
  bool forServers = false;
  bool forClients = false;
  // Both count from 1970.
  int64_t notBeforeSeconds = 0;
  int64_t notAfterSeconds = 0;
};

CertificateMark markOf(const x509_st* certificate);

// Returns the common name of the certificate's subject, which is the identity that it proves.
// Empty: it has none.
std::string commonNameOf(const x509_st* certificate);

// Describes the first certificate in a PEM text; nullopt if there is none.
std::optional<CertificateFacts> describeCertificate(const std::string& pem);

// Returns whether one of the certificates in a PEM text has this digest.
bool holdsCertificate(const std::string& pem, const std::string& sha256);

// States what a certificate must be to serve as a node's. The texts are PEM; `authority` holds one
// certificate or more.
struct NodeClaim {
  std::string nodeName;
  std::string key;
  std::string authority;
};

// Returns why the first certificate in a PEM text would not do for that node now: another
// authority's, not a server's, for another name, outside of its time, or for another key. Empty if
// it would do.
std::string whyNotOfNode(const std::string& pem, const NodeClaim& claim);

// Holds the refused certificates. The text has one a line, `serial HEX` or `sha256 HEX`; '#' begins
// a comment. Digits may be upper case and have colons between them, as openssl prints them.
class DenyList {
 public:
  // Returns nullopt for a text that is not such a list; `*why` then names the line and the remedy.
  static std::optional<DenyList> fromText(const std::string& text, std::string* why);

  bool covers(const CertificateMark& mark) const {
    return serials_.count(mark.serial) != 0 || fingerprints_.count(mark.sha256) != 0;
  }
  size_t size() const { return serials_.size() + fingerprints_.size(); }

 private:
  std::set<std::string> serials_;
  std::set<std::string> fingerprints_;
};

// Returns a serial number or fingerprint in the form of CertificateMark; empty if `text` is
// neither.
std::string plainHex(const std::string& text);

}  // namespace support
