// Certificates that our own authority would never make, but whose signature is its own: weak keys,
// old digests, chains, names in other alphabets. By a client of plain OpenSSL, which lets us show
// them.
#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>
#include <kj/io.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "schema/support/base/log.h"
#include "schema/support/base/openssl.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/tls/tls.h"

namespace support {
namespace {

using testing::HasSubstr;

struct Signer {
  X509* certificate;
  EVP_PKEY* key;
};

struct Shape {
  Signer issuer;
  std::string name = "operator:ci";  // Bytes of the common name, in this encoding.
  int encoding = V_ASN1_UTF8STRING;
  const EVP_MD* digest = EVP_sha256();
  bool isAuthority = false;
};

void extend(X509* certificate, int which, const char* value) {
  Openssl<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, nullptr, which, value));
  KJ_REQUIRE(X509_add_ext(certificate, extension.get(), -1) == 1, value);
}

Openssl<X509> make(EVP_PKEY* key, const Shape& shape) {
  Openssl<X509> certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 7);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  // The name is set without the function for texts, which knows that a common name has at most 64
  // characters.
  X509_NAME_ENTRY* entry = X509_NAME_ENTRY_new();
  X509_NAME_ENTRY_set_object(entry, OBJ_nid2obj(NID_commonName));
  X509_NAME_ENTRY_set_data(entry, shape.encoding,
                           reinterpret_cast<const unsigned char*>(shape.name.data()),
                           static_cast<int>(shape.name.size()));
  X509_NAME_add_entry(X509_get_subject_name(certificate.get()), entry, -1, 0);
  X509_NAME_ENTRY_free(entry);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(shape.issuer.certificate));
  if (shape.isAuthority) {
    extend(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  } else {
    extend(certificate.get(), NID_ext_key_usage, "clientAuth");
  }
  KJ_REQUIRE(X509_sign(certificate.get(), shape.issuer.key, shape.digest) > 0);
  return certificate;
}

class OddCertificatesTest : public testing::Test {
 protected:
  OddCertificatesTest() {
    auto read = [](const std::string& text) {
      return Openssl<BIO>(BIO_new_mem_buf(text.data(), -1));
    };
    root_.reset(PEM_read_bio_X509(read(authority_.certificate()).get(), nullptr, nullptr, nullptr));
    rootKey_.reset(
        PEM_read_bio_PrivateKey(read(authority_.pair().key).get(), nullptr, nullptr, nullptr));
  }
  ~OddCertificatesTest() noexcept override { ERR_clear_error(); }

  Shape shape() { return {{root_.get(), rootKey_.get()}}; }

  // The identity that the server sees, or why it refuses.
  std::string show(X509* certificate, EVP_PKEY* key, const std::vector<X509*>& chain = {}) {
    int ends[2];
    KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
    kj::AutoCloseFd clientEnd(ends[1]);
    TlsServer server({authority_.certificate(), authority_.issueNode("n1")},
                     io_.provider->getTimer(), 5 * kj::SECONDS);
    std::string seen;
    auto accepting =
        server.accept(io_.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(ends[0])))
            .then([&](TlsServer::Accepted&& accepted) { seen = accepted.identity.name; },
                  [&](kj::Exception&& exception) {
                    Failure failure = toFailure(exception, "test");
                    EXPECT_EQ(failure.kind, wire::Error::Kind::DENIED);
                    seen = failure.text.cStr();
                  })
            .eagerlyEvaluate(nullptr);
    std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                         &SSL_CTX_free);
    SSL_CTX_set_security_level(context.get(), 0);
    KJ_REQUIRE(SSL_CTX_use_certificate(context.get(), certificate) == 1);
    KJ_REQUIRE(SSL_CTX_use_PrivateKey(context.get(), key) == 1);
    for (X509* each : chain) KJ_REQUIRE(SSL_CTX_add1_chain_cert(context.get(), each) == 1);
    std::unique_ptr<SSL, void (*)(SSL*)> client(SSL_new(context.get()), &SSL_free);
    SSL_set_fd(client.get(), clientEnd);
    for (int round = 0; round < 1000 && !accepting.poll(io_.waitScope); ++round) {
      SSL_connect(client.get());
      ERR_clear_error();
    }
    KJ_REQUIRE(accepting.poll(io_.waitScope), "the server does not come to an end");
    accepting.wait(io_.waitScope);
    return seen;
  }

  static Openssl<EVP_PKEY> ellipticKey() { return Openssl<EVP_PKEY>(EVP_EC_gen("P-256")); }

  const Authority authority_ = Authority::make("test cluster");
  Openssl<X509> root_;
  Openssl<EVP_PKEY> rootKey_;
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  CapturedLog log_;
};

TEST_F(OddCertificatesTest, OrdinaryOneMadeThisWayIsAccepted) {
  auto key = ellipticKey();
  EXPECT_EQ(show(make(key.get(), shape()).get(), key.get()), "operator:ci");
}

// Too short for any signature of TLS 1.3, so that its owner cannot even prove to have it.
TEST_F(OddCertificatesTest, KeyOf512BitsIsRefused) {
  Openssl<EVP_PKEY> key(EVP_RSA_gen(512));
  EXPECT_NE(show(make(key.get(), shape()).get(), key.get()), "operator:ci");
}

TEST_F(OddCertificatesTest, WeakKeysAreRefused) {
  for (unsigned bits : {768u, 1024u}) {
    Openssl<EVP_PKEY> key(EVP_RSA_gen(bits));
    EXPECT_THAT(show(make(key.get(), shape()).get(), key.get()), HasSubstr("too weak")) << bits;
  }
}

TEST_F(OddCertificatesTest, Sha1SignaturesAreRefused) {
  auto key = ellipticKey();
  Shape old = shape();
  old.digest = EVP_sha1();
  EXPECT_THAT(show(make(key.get(), old).get(), key.get()), HasSubstr("too weak"));
}

// Our authorities may not sign further ones, so that no chain has a third member.
TEST_F(OddCertificatesTest, LongChainsAreRefused) {
  for (size_t length : {1u, 11u}) {
    std::vector<Openssl<X509>> between;
    auto key = ellipticKey();
    Shape next = shape();
    next.isAuthority = true;
    next.issuer = shape().issuer;
    for (size_t i = 0; i < length; ++i) {
      next.name = "between " + std::to_string(i);
      between.push_back(make(key.get(), next));
      next.issuer = {between.back().get(), key.get()};
    }
    next.isAuthority = false;
    next.name = "operator:ci";
    std::vector<X509*> chain;
    for (auto& each : between) chain.push_back(each.get());
    EXPECT_THAT(show(make(key.get(), next).get(), key.get(), chain),
                HasSubstr("path length constraint exceeded"))
        << length;
  }
}

TEST_F(OddCertificatesTest, NamesAreReadInTheirEncodingAndBounded) {
  auto key = ellipticKey();
  auto named = [&](const std::string& bytes, int encoding) {
    Shape odd = shape();
    odd.name = bytes;
    odd.encoding = encoding;
    return show(make(key.get(), odd).get(), key.get());
  };
  auto wide = [](const std::string& text) {
    std::string bytes;
    for (char c : text) bytes += std::string(1, '\0') + c;
    return bytes;
  };
  const char* role = "is not ROLE:NAME";
  EXPECT_EQ(named(wide("operator:ci"), V_ASN1_BMPSTRING), "operator:ci");
  EXPECT_THAT(named(wide("operator:ci"), V_ASN1_UTF8STRING), HasSubstr(role));
  EXPECT_THAT(named(wide("root:ci"), V_ASN1_BMPSTRING), HasSubstr(role));
  EXPECT_THAT(named("operator:*", V_ASN1_UTF8STRING), HasSubstr(role));
  EXPECT_THAT(named("*", V_ASN1_UTF8STRING), HasSubstr(role));
  EXPECT_THAT(named("operator:" + std::string(64 << 10, 'x'), V_ASN1_UTF8STRING), HasSubstr(role));
  EXPECT_THAT(named(std::string("operator:ci\0admin:x", 19), V_ASN1_UTF8STRING), HasSubstr(role));
}

}  // namespace
}  // namespace support
