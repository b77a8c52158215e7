#include "schema/support/tls/pki.h"

#include <time.h>

#include <kj/debug.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "schema/support/base/id.h"
#include "schema/support/base/openssl.h"
#include "schema/support/base/sha256.h"

namespace support {
namespace {

constexpr int64_t kAuthoritySeconds = 10LL * 365 * 24 * 3600;

void require(bool good, const char* what) {
  if (!good) {
    auto reason = opensslReason();
    kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                                          kj::str("OpenSSL refused ", what, ": ", reason.c_str())));
  }
}

Openssl<EVP_PKEY> makeKey() {
  Openssl<EVP_PKEY> key(EVP_EC_gen("P-256"));
  require(key != nullptr, "to make a P-256 key");
  return key;
}

std::string textOf(BIO* memory) {
  char* data = nullptr;
  long size = BIO_get_mem_data(memory, &data);
  return std::string(data, size);
}

std::string pem(X509* certificate) {
  Openssl<BIO> text(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(text.get(), certificate) == 1, "to write a certificate");
  return textOf(text.get());
}

std::string pem(EVP_PKEY* key) {
  Openssl<BIO> text(BIO_new(BIO_s_mem()));
  require(
      PEM_write_bio_PKCS8PrivateKey(text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
      "to write a key");
  return textOf(text.get());
}

Openssl<X509> readCertificate(const std::string& text) {
  Openssl<BIO> source(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Openssl<X509> certificate(PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr));
  require(certificate != nullptr, "to read the authority's certificate");
  return certificate;
}

Openssl<EVP_PKEY> readKey(const std::string& text) {
  Openssl<BIO> source(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Openssl<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(source.get(), nullptr, nullptr, const_cast<char*>("")));
  require(key != nullptr, "to read the authority's key");
  return key;
}

// Reads a request that is signed with its own key on P-256. The signature proves that the sender
// holds the key.
Openssl<X509_REQ> readRequest(const std::string& text) {
  Openssl<BIO> source(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Openssl<X509_REQ> parsed(PEM_read_bio_X509_REQ(source.get(), nullptr, nullptr, nullptr));
  if (parsed == nullptr) throw PkiError("not a certificate request in PEM form");
  EVP_PKEY* key = X509_REQ_get0_pubkey(parsed.get());
  char group[32] = "";
  if (key == nullptr ||
      EVP_PKEY_get_utf8_string_param(key, "group", group, sizeof group, nullptr) != 1 ||
      std::string(group) != "prime256v1") {
    throw PkiError("the request's key is not of P-256");
  }
  if (X509_REQ_verify(parsed.get(), key) != 1) {
    throw PkiError("the request is not signed with its own key");
  }
  return parsed;
}

Openssl<X509_REQ> blankRequest(EVP_PKEY* key, const std::string& commonName) {
  Openssl<X509_REQ> request(X509_REQ_new());
  require(request != nullptr, "to make a request");
  auto text = reinterpret_cast<const unsigned char*>(commonName.data());
  require(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
                                     text, static_cast<int>(commonName.size()), -1, 0) == 1,
          "the name");
  require(X509_REQ_set_pubkey(request.get(), key) == 1, "the key");
  require(X509_REQ_sign(request.get(), key, EVP_sha256()) > 0, "to sign a request");
  return request;
}

void addExtension(X509* certificate, X509* issuer, int which, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  Openssl<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, which, value.c_str()));
  require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1,
          value.c_str());
}

void setName(X509* certificate, const std::string& commonName) {
  if (commonName.empty()) return;
  auto text = reinterpret_cast<const unsigned char*>(commonName.data());
  require(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, text,
                                     static_cast<int>(commonName.size()), -1, 0) == 1,
          "the name");
}

Openssl<X509> blank(EVP_PKEY* key, const Validity& validity) {
  Openssl<X509> certificate(X509_new());
  require(certificate != nullptr, "to make a certificate");
  X509_set_version(certificate.get(), X509_VERSION_3);
  // The serial number is positive and not zero, as RFC 5280 demands.
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), (randomNumber() >> 1) | 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -validity.beginsBeforeSeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), validity.lastsSeconds);
  require(X509_set_pubkey(certificate.get(), key) == 1, "the key");
  return certificate;
}

void sign(X509* certificate, EVP_PKEY* key) {
  require(X509_sign(certificate, key, EVP_sha256()) > 0, "to sign a certificate");
}

}  // namespace

bool isCertificateName(const std::string& name) {
  if (name.empty() || name.size() > 64) return false;
  auto letterOrDigit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (!letterOrDigit(name[0])) return false;
  for (char c : name) {
    if (!letterOrDigit(c) && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

CertificateRequest makeRequest(const std::string& commonName) {
  OpensslScope scope;
  std::string key = pem(makeKey().get());
  return {requestFor(key, commonName), key};
}

std::string requestFor(const std::string& key, const std::string& commonName) {
  OpensslScope scope;
  Openssl<BIO> source(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())));
  Openssl<EVP_PKEY> parsed(
      PEM_read_bio_PrivateKey(source.get(), nullptr, nullptr, const_cast<char*>("")));
  if (parsed == nullptr) throw PkiError("not a private key in PEM form without a password");
  auto request = blankRequest(parsed.get(), commonName);
  Openssl<BIO> written(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509_REQ(written.get(), request.get()) == 1, "to write a request");
  return textOf(written.get());
}

std::string keyDigestOfRequest(const std::string& request) {
  OpensslScope scope;
  auto parsed = readRequest(request);
  unsigned char* der = nullptr;
  int size = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(parsed.get()), &der);
  require(size > 0, "to write a public key");
  Digest digest = Sha256::of(kj::arrayPtr(der, static_cast<size_t>(size)));
  OPENSSL_free(der);
  return hex(kj::arrayPtr(digest.data(), digest.size()));
}

Authority Authority::make(const std::string& name) {
  OpensslScope scope;
  auto key = makeKey();
  auto certificate = blank(key.get(), {Validity{}.beginsBeforeSeconds, kAuthoritySeconds});
  setName(certificate.get(), name);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  // The path length is 0, because this authority makes no others.
  addExtension(certificate.get(), certificate.get(), NID_basic_constraints,
               "critical,CA:TRUE,pathlen:0");
  addExtension(certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  addExtension(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash");
  sign(certificate.get(), key.get());
  return Authority({pem(certificate.get()), pem(key.get())});
}

Authority Authority::load(KeyPair pair) {
  OpensslScope scope;
  auto certificate = readCertificate(pair.certificate);
  auto key = readKey(pair.key);
  require(X509_check_private_key(certificate.get(), key.get()) == 1,
          "the authority's key: it is not its certificate's");
  return Authority(std::move(pair));
}

KeyPair Authority::issueNode(const std::string& nodeName, const Validity& validity) const {
  return issue(nodeName, {nodeName}, Purpose::kServer, validity);
}

KeyPair Authority::issueClient(const std::string& identity, const Validity& validity) const {
  return issue(identity, {}, Purpose::kClient, validity);
}

KeyPair Authority::issue(const std::string& commonName, const std::vector<std::string>& dnsNames,
                         Purpose purpose, const Validity& validity) const {
  OpensslScope scope;
  auto key = makeKey();
  return {certifyKey(key.get(), commonName, dnsNames, purpose, validity), pem(key.get())};
}

std::string Authority::certify(const std::string& request, const std::string& commonName,
                               const std::vector<std::string>& dnsNames, Purpose purpose,
                               const Validity& validity) const {
  OpensslScope scope;
  auto parsed = readRequest(request);
  return certifyKey(X509_REQ_get0_pubkey(parsed.get()), commonName, dnsNames, purpose, validity);
}

std::string Authority::certifyKey(evp_pkey_st* key, const std::string& commonName,
                                  const std::vector<std::string>& dnsNames, Purpose purpose,
                                  const Validity& validity) const {
  auto issuer = readCertificate(pair_.certificate);
  auto issuerKey = readKey(pair_.key);
  auto certificate = blank(key, validity);
  setName(certificate.get(), commonName);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get()));
  addExtension(certificate.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  addExtension(certificate.get(), issuer.get(), NID_key_usage, "critical,digitalSignature");
  addExtension(certificate.get(), issuer.get(), NID_ext_key_usage,
               purpose == Purpose::kServer ? "serverAuth" : "clientAuth");
  std::string names;
  for (const std::string& name : dnsNames) names += (names.empty() ? "DNS:" : ",DNS:") + name;
  if (!names.empty()) addExtension(certificate.get(), issuer.get(), NID_subject_alt_name, names);
  addExtension(certificate.get(), issuer.get(), NID_authority_key_identifier, "keyid");
  sign(certificate.get(), issuerKey.get());
  return pem(certificate.get());
}

}  // namespace support
