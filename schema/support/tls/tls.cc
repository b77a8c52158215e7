#include "schema/support/tls/tls.h"

#include <string.h>

#include <string_view>
#include <utility>

#include <kj/debug.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "schema/support/base/openssl.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/tls/tls_context.h"
#include "schema/support/tls/tls_stream.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;

constexpr int kAuthoritiesMax = 16;

// Adds the authorities. There are several while a cluster changes from one to another.
void useAuthority(SSL_CTX* context, const std::string& authority) {
  Openssl<BIO> text(BIO_new_mem_buf(authority.data(), static_cast<int>(authority.size())));
  int count = 0;
  for (;; ++count) {
    Openssl<X509> certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    if (X509_check_ca(certificate.get()) == 0)
      fail(Kind::INVALID, "tls authority: not the certificate of an authority");
    if (count == kAuthoritiesMax)
      fail(Kind::INVALID, "tls authority: more than ", kAuthoritiesMax, " certificates");
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get());
  }
  if (count == 0) fail(Kind::INVALID, "tls authority: not a certificate in PEM form");
}

void freeDenyList(void*, void* list, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<DenyList*>(list);
}

// Returns the slot in which a context keeps its deny list.
int denyListIndex() {
  static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &freeDenyList);
  return kIndex;
}

bool isDenied(X509_STORE_CTX* store) {
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* list = static_cast<DenyList*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), denyListIndex()));
  return list != nullptr && list->covers(markOf(X509_STORE_CTX_get_current_cert(store)));
}

// Refuses certificates on the deny list. The peer is told too: OpenSSL sends the alert that belongs
// to the error.
int refuseDenied(int good, X509_STORE_CTX* store) {
  if (good == 1 && isDenied(store)) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REVOKED);
    good = 0;
  }
  return noteVerifyError(good, store);
}

void useDenied(SSL_CTX* context, const std::string& text) {
  std::string why;
  auto list = DenyList::fromText(text, &why);
  if (!list) fail(Kind::INVALID, "tls denied: ", why.c_str());
  if (list->size() == 0) return;
  auto kept = std::make_unique<DenyList>(kj::mv(*list));
  if (SSL_CTX_set_ex_data(context, denyListIndex(), kept.get()) != 1)
    fail(Kind::INTERNAL, "no place for the deny list");
  kept.release();  // The context owns it now; freeDenyList ends it.
}

// Builds the chain once, without the authority's own certificate, which the peer has. Otherwise
// OpenSSL looks for the chain in each handshake, and the peer decodes and checks one certificate
// more. If the chain cannot be completed, it stays as it was given.
void completeChain(SSL_CTX* context) {
  SSL_CTX_build_cert_chain(context, SSL_BUILD_CHAIN_FLAG_UNTRUSTED | SSL_BUILD_CHAIN_FLAG_NO_ROOT |
                                        SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR |
                                        SSL_BUILD_CHAIN_FLAG_CLEAR_ERROR);
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
}

std::shared_ptr<SSL_CTX> makeContext(const Credentials& credentials) {
  OpensslScope scope;
  auto context = blankContext();
  useAuthority(context.get(), credentials.authority);
  usePair(context.get(), credentials.own);
  completeChain(context.get());
  useDenied(context.get(), credentials.denied);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     &refuseDenied);
  return context;
}

bool contains(kj::StringPtr text, const char* part) {
  return strstr(text.cStr(), part) != nullptr;
}

}  // namespace

Credentials loadCredentials(const CredentialFiles& files, FileCheck check) {
  Credentials credentials;
  credentials.authority =
      readTrustedFile(files.authority, "tls authority", check, FileSecrecy::kPublic);
  credentials.own.certificate =
      readTrustedFile(files.certificate, "tls certificate", check, FileSecrecy::kPublic);
  credentials.own.key = readTrustedFile(files.key, "tls key", check, FileSecrecy::kSecret);
  if (!files.denied.empty()) {
    credentials.denied = readTrustedFile(files.denied, "tls denied", check, FileSecrecy::kPublic);
  }
  return credentials;
}

Identity identityFromCommonName(kj::StringPtr commonName) {
  struct Prefix {
    std::string_view text;
    wire::Role role;
  };
  constexpr Prefix kPrefixes[] = {{"observer:", wire::Role::OBSERVER},
                                  {"operator:", wire::Role::OPERATOR},
                                  {"admin:", wire::Role::ADMIN}};
  std::string_view text(commonName.begin(), commonName.size());
  for (const Prefix& prefix : kPrefixes) {
    if (text.substr(0, prefix.text.size()) != prefix.text) continue;
    std::string_view name = text.substr(prefix.text.size());
    bool plain = !name.empty() && name.size() <= 64 &&
                 name.find_first_not_of(
                     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
                     std::string_view::npos;
    if (plain) return {std::string(text), prefix.role};
  }
  fail(Kind::DENIED,
       "the client certificate's common name is not ROLE:NAME with role observer, operator or "
       "admin");
}

TlsServer::TlsServer(const Credentials& credentials, kj::Timer& timer, kj::Duration handshakeLimit)
    : context_(makeContext(credentials)), timer_(timer), handshakeLimit_(handshakeLimit) {}

kj::Promise<TlsServer::Accepted> TlsServer::accept(kj::Own<kj::AsyncIoStream> stream) {
  auto wrapped = kj::heap<TlsStream>(kj::mv(stream), context_.get(), TlsStream::Side::kServer);
  auto shaken = timer_.timeoutAfter(handshakeLimit_, wrapped->shakeHands(""));
  return shaken.then(
      [wrapped = kj::mv(wrapped)]() mutable {
        std::string name = wrapped->peerCommonName();
        auto identity = identityFromCommonName({name.c_str(), name.size()});
        auto mark = wrapped->peerMark();
        auto vouching = wrapped->peerAuthorityMark();
        return Accepted{kj::mv(wrapped), kj::mv(identity), kj::mv(mark), kj::mv(vouching)};
      },
      [](kj::Exception&& exception) -> Accepted {
        // kj reports a timeout as OVERLOADED.
        if (exception.getType() == kj::Exception::Type::OVERLOADED)
          fail(Kind::TIMEOUT, "the TLS handshake took too long");
        if (exception.getType() == kj::Exception::Type::DISCONNECTED)
          fail(Kind::SYSTEM, "the client went away during the TLS handshake");
        fail(Kind::DENIED, "the TLS handshake was not completed: ", verifyReason(exception));
      });
}

TlsClient::TlsClient(const Credentials& credentials) : context_(makeContext(credentials)) {}

kj::Promise<kj::Own<kj::AsyncIoStream>> TlsClient::connect(kj::Own<kj::AsyncIoStream> stream,
                                                           kj::StringPtr nodeName) {
  using Stream = kj::Own<kj::AsyncIoStream>;
  auto wrapped = kj::heap<TlsStream>(kj::mv(stream), context_.get(), TlsStream::Side::kClient);
  auto shaken = wrapped->shakeHands(nodeName);
  return shaken.then([wrapped = kj::mv(wrapped)]() mutable -> Stream { return kj::mv(wrapped); },
                     [name = kj::str(nodeName)](kj::Exception&& exception) -> Stream {
                       if (classify(exception) == Remedy::kRetry)
                         kj::throwFatalException(kj::mv(exception));
                       fail(Kind::DENIED, "the node did not prove to be ", name, ": ",
                            verifyReason(exception));
                     });
}

Remedy classify(const kj::Exception& exception) {
  kj::StringPtr text = exception.getDescription();
  // OpenSSL's reasons and alerts arrive as texts alone. The clock is looked for first, because its
  // texts name a certificate too.
  if (contains(text, "certificate is not yet valid") || contains(text, "certificate has expired") ||
      contains(text, "alert certificate expired")) {
    return Remedy::kFixClock;
  }
  if (contains(text, "certificate revoked")) return Remedy::kRevoked;
  if (contains(text, "SSL routines") || contains(text, "TLS peer") ||
      contains(text, "certificate") || contains(text, "Hostname mismatch")) {
    return Remedy::kFixIdentity;
  }
  return Remedy::kRetry;
}

}  // namespace support
