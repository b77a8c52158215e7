#include "schema/support/tls/certificate.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include <memory>
#include <sstream>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "schema/support/base/id.h"
#include "schema/support/base/openssl.h"

namespace support {
namespace {

std::string withoutLeadingZeros(const std::string& digits) {
  size_t first = digits.find_first_not_of('0');
  return first == std::string::npos ? "0" : digits.substr(first);
}

std::string serialOf(const X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  auto bytes = kj::arrayPtr(ASN1_STRING_get0_data(serial), ASN1_STRING_length(serial));
  return withoutLeadingZeros(hex(bytes));
}

int64_t secondsOf(const ASN1_TIME* time) {
  struct tm parts {};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<int64_t>(timegm(&parts)) : 0;
}

std::vector<std::string> dnsNamesOf(X509* certificate) {
  std::vector<std::string> names;
  auto* list = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
    if (name->type != GEN_DNS) continue;
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                       static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  GENERAL_NAMES_free(list);
  return names;
}

}  // namespace

std::string commonNameOf(const X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return "";
  unsigned char* text = nullptr;
  int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return "";
  std::string name(reinterpret_cast<char*>(text), static_cast<size_t>(size));
  OPENSSL_free(text);
  return name;
}

CertificateMark markOf(const X509* certificate) {
  OpensslScope scope;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) size = 0;
  return {serialOf(certificate), hex(kj::arrayPtr(digest, size))};
}

std::optional<CertificateFacts> describeCertificate(const std::string& pem) {
  OpensslScope scope;
  Openssl<BIO> source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Openssl<X509> certificate(PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return std::nullopt;
  CertificateFacts facts;
  facts.mark = markOf(certificate.get());
  facts.commonName = commonNameOf(certificate.get());
  facts.dnsNames = dnsNamesOf(certificate.get());
  // A certificate without extended key usage serves neither purpose here, although OpenSSL would
  // allow both.
  facts.isAuthority = X509_check_ca(certificate.get()) != 0;
  uint32_t usage = X509_get_extended_key_usage(certificate.get());
  facts.forServers = usage != UINT32_MAX && (usage & XKU_SSL_SERVER) != 0;
  facts.forClients = usage != UINT32_MAX && (usage & XKU_SSL_CLIENT) != 0;
  facts.notBeforeSeconds = secondsOf(X509_get0_notBefore(certificate.get()));
  facts.notAfterSeconds = secondsOf(X509_get0_notAfter(certificate.get()));
  return facts;
}

bool holdsCertificate(const std::string& pem, const std::string& sha256) {
  OpensslScope scope;
  Openssl<BIO> source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  for (;;) {
    Openssl<X509> certificate(PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) return false;
    if (markOf(certificate.get()).sha256 == sha256) return true;
  }
}

std::string whyNotOfNode(const std::string& pem, const NodeClaim& claim) {
  OpensslScope scope;
  Openssl<BIO> source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Openssl<X509> certificate(PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return "not a certificate in PEM form";
  // The key is compared first: a certificate for another key is useless, however good it is.
  Openssl<BIO> keyText(BIO_new_mem_buf(claim.key.data(), static_cast<int>(claim.key.size())));
  Openssl<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(keyText.get(), nullptr, nullptr, const_cast<char*>("")));
  if (key == nullptr || X509_check_private_key(certificate.get(), key.get()) != 1) {
    return "it is not for the key that was made here";
  }
  std::unique_ptr<X509_STORE, void (*)(X509_STORE*)> store(X509_STORE_new(), &X509_STORE_free);
  Openssl<BIO> trusted(
      BIO_new_mem_buf(claim.authority.data(), static_cast<int>(claim.authority.size())));
  for (;;) {
    Openssl<X509> one(PEM_read_bio_X509(trusted.get(), nullptr, nullptr, nullptr));
    if (one == nullptr || X509_STORE_add_cert(store.get(), one.get()) != 1) break;
  }
  // OpenSSL's own verification does the rest, as a controller will do it later.
  X509_VERIFY_PARAM* wanted = X509_STORE_get0_param(store.get());
  X509_VERIFY_PARAM_set_purpose(wanted, X509_PURPOSE_SSL_SERVER);
  // A certificate is for the names in it, not for others that a pattern or its subject could match.
  X509_VERIFY_PARAM_set_hostflags(
      wanted, X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  X509_VERIFY_PARAM_set1_host(wanted, claim.nodeName.c_str(), claim.nodeName.size());
  std::unique_ptr<X509_STORE_CTX, void (*)(X509_STORE_CTX*)> context(X509_STORE_CTX_new(),
                                                                     &X509_STORE_CTX_free);
  if (X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr) == 1 &&
      X509_verify_cert(context.get()) == 1) {
    return "";
  }
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

std::string plainHex(const std::string& text) {
  std::string digits;
  for (char c : text) {
    if (c == ':') continue;
    if (!isxdigit(static_cast<unsigned char>(c))) return "";
    digits += static_cast<char>(tolower(static_cast<unsigned char>(c)));
  }
  return digits;
}

std::optional<DenyList> DenyList::fromText(const std::string& text, std::string* why) {
  DenyList list;
  std::istringstream lines(text);
  size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line = line.substr(0, line.find('#'));
    std::istringstream words(line);
    std::string kind, value, more;
    if (!(words >> kind)) continue;
    words >> value;
    std::string digits = plainHex(value);
    if (kind == "serial" && !digits.empty() && digits.size() <= 40 && !(words >> more)) {
      list.serials_.insert(withoutLeadingZeros(digits));
    } else if (kind == "sha256" && digits.size() == 64 && !(words >> more)) {
      list.fingerprints_.insert(digits);
    } else {
      *why = "line " + std::to_string(number) +
             ": wanted \"serial\" and at most 40 hexadecimal digits, or \"sha256\" and 64";
      return std::nullopt;
    }
  }
  return list;
}

}  // namespace support
