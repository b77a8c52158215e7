// Tries which clients and nodes get in by TLS, with certificates made here. It tests pki and dial
// too.
#include "schema/support/tls/tls.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "schema/support/base/log.h"
#include "schema/support/base/openssl.h"
#include "schema/support/base/socket.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/tls/dial.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;
using testing::HasSubstr;

const Authority& tlsAuthority() {
  static const Authority instance = Authority::make("test cluster");
  return instance;
}

class TlsTest : public testing::Test {
 protected:
  ~TlsTest() noexcept override {}

  static Credentials credentials(KeyPair own, const Authority& trusted = tlsAuthority()) {
    return {trusted.certificate(), std::move(own)};
  }

  struct Outcome {
    Kind server = Kind::UNSPECIFIED;  // The kind of the server's failure, if any.
    std::string identity;             // The identity that the server saw.
    kj::Maybe<kj::Exception> client;  // The client's failure, at the handshake or the first read.
  };

  // Shakes hands over a socket pair; the server answers one byte.
  Outcome shakeHands(Credentials server, Credentials client, kj::StringPtr nodeName = "n1") {
    Outcome outcome;
    TlsServer accepting(server, timer(), 5 * kj::SECONDS);
    TlsClient connecting(client);
    auto ends = sockets();
    auto served = accepting.accept(kj::mv(ends.first))
                      .then([&](TlsServer::Accepted&& accepted) {
                        outcome.identity = accepted.identity.name;
                        auto& stream = *accepted.stream;
                        return stream.write("!", 1).attach(kj::mv(accepted.stream));
                      })
                      .eagerlyEvaluate([&](kj::Exception&& exception) {
                        outcome.server = toFailure(exception, "test").kind;
                      });
    outcome.client = kj::runCatchingExceptions([&]() {
      auto stream = connecting.connect(kj::mv(ends.second), nodeName).wait(io_.waitScope);
      char byte;
      stream->read(&byte, 1).wait(io_.waitScope);
    });
    served.wait(io_.waitScope);
    return outcome;
  }

  static Remedy remedy(const Outcome& outcome) {
    return classify(KJ_ASSERT_NONNULL(outcome.client));
  }

  std::pair<kj::Own<kj::AsyncIoStream>, kj::Own<kj::AsyncIoStream>> sockets() {
    int ends[2];
    KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
    auto wrap = [this](int end) {
      return io_.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(end));
    };
    auto first = wrap(ends[0]);
    return {kj::mv(first), wrap(ends[1])};
  }

  kj::Timer& timer() { return io_.provider->getTimer(); }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  CapturedLog log_;
};

TEST_F(TlsTest, RightCertificatesAreAcceptedWithTheirIdentity) {
  auto outcome = shakeHands(credentials(tlsAuthority().issueNode("n1")),
                            credentials(tlsAuthority().issueClient("operator:ci")));
  EXPECT_EQ(outcome.identity, "operator:ci");
  EXPECT_TRUE(outcome.client == nullptr);
}

TEST_F(TlsTest, ForeignClientIsRefusedAndLearnsThatItIsNotTheNetwork) {
  auto foreign = Authority::make("another cluster");
  auto outcome = shakeHands(credentials(tlsAuthority().issueNode("n1")),
                            {tlsAuthority().certificate(), foreign.issueClient("operator:ci")});
  EXPECT_EQ(outcome.server, Kind::DENIED);
  EXPECT_EQ(remedy(outcome), Remedy::kFixIdentity);
}

TEST_F(TlsTest, ForeignServerIsRefused) {
  auto foreign = Authority::make("another cluster");
  auto outcome = shakeHands({tlsAuthority().certificate(), foreign.issueNode("n1")},
                            credentials(tlsAuthority().issueClient("operator:ci")));
  EXPECT_EQ(remedy(outcome), Remedy::kFixIdentity);
}

TEST_F(TlsTest, AnotherNodeIsRefused) {
  auto outcome = shakeHands(credentials(tlsAuthority().issueNode("n2")),
                            credentials(tlsAuthority().issueClient("operator:ci")));
  EXPECT_EQ(remedy(outcome), Remedy::kFixIdentity);
  Failure failure = toFailure(KJ_ASSERT_NONNULL(outcome.client), "test");
  EXPECT_EQ(failure.kind, Kind::DENIED);
  EXPECT_STREQ(failure.text.cStr(),
               "the node did not prove to be n1: certificate refused: hostname mismatch");
}

TEST_F(TlsTest, WildcardsAndParentDomainsAreRefused) {
  auto node = [](std::vector<std::string> names) {
    return tlsAuthority().issue("n1.lab", names, Purpose::kServer, Validity());
  };
  auto client = credentials(tlsAuthority().issueClient("operator:ci"));
  EXPECT_TRUE(shakeHands(credentials(node({"x", "n1.lab"})), client, "n1.lab").client == nullptr);
  for (const auto& wrong : {node({}), node({"*.lab"}), node({"n2.lab"}), node({"lab"})}) {
    auto outcome = shakeHands(credentials(wrong), client, "n1.lab");
    ASSERT_TRUE(outcome.client != nullptr);
    EXPECT_EQ(remedy(outcome), Remedy::kFixIdentity);
  }
}

TEST_F(TlsTest, CertificateForTheOtherPurposeIsRefused) {
  auto stolen = tlsAuthority().issueNode("n1");
  auto asClient = shakeHands(credentials(tlsAuthority().issueNode("n1")), credentials(stolen));
  EXPECT_EQ(asClient.server, Kind::DENIED);
  auto posing = tlsAuthority().issue("operator:ci", {"n1"}, Purpose::kClient, {});
  auto asServer =
      shakeHands(credentials(posing), credentials(tlsAuthority().issueClient("operator:ci")));
  EXPECT_EQ(remedy(asServer), Remedy::kFixIdentity);
}

TEST_F(TlsTest, CertificateOutsideItsTimeBlamesTheClock) {
  Validity over{2 * 24 * 3600, -3600};
  Validity later{-3600, 7200};
  for (const Validity& validity : {over, later}) {
    auto outcome = shakeHands(credentials(tlsAuthority().issueNode("n1", validity)),
                              credentials(tlsAuthority().issueClient("operator:ci")));
    EXPECT_EQ(remedy(outcome), Remedy::kFixClock)
        << KJ_ASSERT_NONNULL(outcome.client).getDescription().cStr();
  }
  auto client = shakeHands(credentials(tlsAuthority().issueNode("n1")),
                           credentials(tlsAuthority().issueClient("operator:ci", over)));
  EXPECT_EQ(client.server, Kind::DENIED);
  EXPECT_EQ(remedy(client), Remedy::kFixClock);
}

TEST_F(TlsTest, CommonNamesAreRolesAndPlainNames) {
  EXPECT_EQ(identityFromCommonName("admin:root").role, wire::Role::ADMIN);
  EXPECT_EQ(identityFromCommonName("observer:x.y-z_1").role, wire::Role::OBSERVER);
  for (auto name :
       {"", "operator", "operator:", "root:x", "Operator:x", "operator:a b", "operator:a\nb", ":x",
        "operator:abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnop"}) {
    EXPECT_ANY_THROW(identityFromCommonName(name)) << name;
  }
  auto outcome = shakeHands(credentials(tlsAuthority().issueNode("n1")),
                            credentials(tlsAuthority().issueClient("root:ci")));
  EXPECT_EQ(outcome.server, Kind::DENIED);
}

// A client of plain OpenSSL on the other end of a socket pair, for things that TlsClient refuses to
// do.
class RawClient {
 public:
  RawClient(int socket, int versionMax)
      : context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)) {
    SSL_set_max_proto_version(ssl_, versionMax);
    SSL_set_fd(ssl_, socket);
  }
  // To be called before the first step.
  void show(const KeyPair& pair) {
    Openssl<BIO> certificate(BIO_new_mem_buf(pair.certificate.data(), -1));
    Openssl<X509> parsed(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
    Openssl<BIO> key(BIO_new_mem_buf(pair.key.data(), -1));
    Openssl<EVP_PKEY> parsedKey(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
    KJ_REQUIRE(SSL_use_certificate(ssl_, parsed.get()) == 1);
    KJ_REQUIRE(SSL_use_PrivateKey(ssl_, parsedKey.get()) == 1);
  }
  SSL* ssl() { return ssl_; }
  ~RawClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ERR_clear_error();
  }
  bool step() {
    bool done = SSL_connect(ssl_) == 1;
    ERR_clear_error();
    return done;
  }
  // Returns the number of certificates that the other side has sent.
  int received() const {
    auto* chain = SSL_get_peer_cert_chain(ssl_);
    return chain == nullptr ? 0 : sk_X509_num(chain);
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
};

TEST_F(TlsTest, OlderProtocolAndMissingCertificateAreRefused) {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    int ends[2];
    KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
    kj::AutoCloseFd clientEnd(ends[1]);
    TlsServer server(credentials(tlsAuthority().issueNode("n1")), timer(), 5 * kj::SECONDS);
    Kind refused = Kind::UNSPECIFIED;
    auto accepting =
        server.accept(io_.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(ends[0])))
            .then([](TlsServer::Accepted&&) {},
                  [&](kj::Exception&& exception) { refused = toFailure(exception, "test").kind; });
    RawClient client(clientEnd, version);
    for (int round = 0; round < 100 && !accepting.poll(io_.waitScope); ++round) client.step();
    ASSERT_TRUE(accepting.poll(io_.waitScope));
    accepting.wait(io_.waitScope);
    EXPECT_EQ(refused, Kind::DENIED) << version;
  }
}

// The peer has the authority's, and would decode and check it for nothing.
TEST_F(TlsTest, AuthoritysCertificateIsNotSentAlong) {
  int ends[2];
  KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
  kj::AutoCloseFd clientEnd(ends[1]);
  TlsServer server(credentials(tlsAuthority().issueNode("n1")), timer(), 5 * kj::SECONDS);
  auto accepting = server.accept(io_.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(ends[0])))
                       .then([](TlsServer::Accepted&&) {}, [](kj::Exception&&) {});
  RawClient client(clientEnd, TLS1_3_VERSION);
  for (int round = 0; round < 100 && !accepting.poll(io_.waitScope); ++round) client.step();
  EXPECT_EQ(client.received(), 1);
}

// The authority's client over plain OpenSSL; the server sends back the bytes that it reads.
class RawSessionTest : public TlsTest {
 protected:
  RawSessionTest() {
    int ends[2];
    KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
    socket_ = kj::AutoCloseFd(ends[1]);
    client_.emplace(socket_, TLS1_3_VERSION);
    client_->show(tlsAuthority().issueClient("operator:ci"));
    serving_ = server_.accept(io_.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(ends[0])))
                   .then([this](TlsServer::Accepted&& accepted) {
                     stream_ = kj::mv(accepted.stream);
                     return echo();
                   })
                   .eagerlyEvaluate(nullptr);
  }
  ~RawSessionTest() noexcept override {}

  kj::Promise<void> echo() {
    return stream_->read(&byte_, 1)
        .then([this]() { return stream_->write(&byte_, 1); })
        .then([this]() { return echo(); });
  }
  void turn() { io_.provider->getTimer().afterDelay(0 * kj::SECONDS).wait(io_.waitScope); }
  void shakeHands() {
    for (int round = 0; round < 1000 && stream_.get() == nullptr; ++round) {
      client_->step();
      turn();
    }
    ASSERT_TRUE(stream_.get() != nullptr);
  }
  bool isAnswered() {
    char byte = 'x';
    if (SSL_write(client_->ssl(), &byte, 1) != 1) return false;
    for (int round = 0; round < 1000; ++round) {
      if (SSL_read(client_->ssl(), &byte, 1) == 1) return byte == 'x';
      ERR_clear_error();
      turn();
    }
    return false;
  }

  TlsServer server_{credentials(tlsAuthority().issueNode("n1")), timer(), 5 * kj::SECONDS};
  kj::AutoCloseFd socket_;
  std::optional<RawClient> client_;
  char byte_ = 0;
  kj::Own<kj::AsyncIoStream> stream_;
  kj::Promise<void> serving_ = kj::READY_NOW;
};

TEST_F(RawSessionTest, SessionsCannotBeResumed) {
  shakeHands();
  EXPECT_TRUE(isAnswered());
  auto* session = SSL_get0_session(client_->ssl());
  EXPECT_FALSE(SSL_SESSION_is_resumable(session));
  EXPECT_FALSE(SSL_SESSION_has_ticket(session));
  EXPECT_EQ(SSL_SESSION_get_max_early_data(session), 0u);
}

TEST_F(RawSessionTest, ProtocolsThatAreOfferedAreIgnored) {
  const unsigned char offered[] = "\x02h2\x08http/1.1";
  SSL_set_alpn_protos(client_->ssl(), offered, sizeof offered - 1);
  shakeHands();
  EXPECT_TRUE(isAnswered());
  const unsigned char* selected = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(client_->ssl(), &selected, &length);
  EXPECT_EQ(length, 0u);
}

// Each asks for an answer; a client that does not read them makes none of them be kept.
TEST_F(RawSessionTest, ManyChangesOfTheKeyCostNoMemory) {
  shakeHands();
  size_t before = ::mallinfo2().uordblks;
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_EQ(SSL_key_update(client_->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    for (int round = 0; round < 1000 && SSL_do_handshake(client_->ssl()) != 1; ++round) turn();
    ERR_clear_error();
  }
  turn();
  EXPECT_LT(::mallinfo2().uordblks, before + (1 << 20));
  EXPECT_TRUE(isAnswered());
}

TEST_F(TlsTest, SilentClientIsGivenUp) {
  TlsServer server(credentials(tlsAuthority().issueNode("n1")), timer(), 50 * kj::MILLISECONDS);
  auto ends = sockets();
  EXPECT_ANY_THROW(server.accept(kj::mv(ends.first)).wait(io_.waitScope));
}

TEST_F(TlsTest, UnsuitableTextsAreRefusedWithTheReason) {
  auto why = [this](const Credentials& wrong) -> std::string {
    KJ_IF_MAYBE (exception,
                 kj::runCatchingExceptions([&]() { TlsServer(wrong, timer(), 1 * kj::SECONDS); })) {
      return toFailure(*exception, "test").text.cStr();
    }
    return "";
  };
  auto good = tlsAuthority().issueNode("n1");
  EXPECT_EQ(why(credentials(good)), "");
  EXPECT_THAT(why({"no pem", good}), HasSubstr("authority"));
  EXPECT_THAT(why({good.certificate, good}), HasSubstr("authority"));
  EXPECT_THAT(why(credentials({"no pem", good.key})), HasSubstr("tls certificate"));
  EXPECT_THAT(why(credentials({good.certificate, "no pem"})), HasSubstr("tls key"));
  EXPECT_THAT(why(credentials({good.certificate, tlsAuthority().issueNode("n1").key})),
              HasSubstr("does not belong"));
}

TEST_F(TlsTest, FilesThatOthersCanReachAreRefused) {
  char directory[] = "/tmp/tls-test-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  std::string base = directory;
  auto pair = tlsAuthority().issueNode("n1");
  CredentialFiles files{base + "/ca", base + "/cert", base + "/key"};
  std::ofstream(files.authority) << tlsAuthority().certificate();
  std::ofstream(files.certificate) << pair.certificate;
  std::ofstream(files.key) << pair.key;
  auto why = [&]() -> std::string {
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { loadCredentials(files); })) {
      return toFailure(*exception, "test").text.cStr();
    }
    return "";
  };
  chmod(files.key.c_str(), 0644);
  EXPECT_THAT(why(), HasSubstr("0600 is right"));
  chmod(files.key.c_str(), 0600);
  EXPECT_EQ(why(), "");
  chmod(files.certificate.c_str(), 0666);
  EXPECT_THAT(why(), HasSubstr("0644 is right"));
  unlink(files.certificate.c_str());
  EXPECT_THAT(why(), HasSubstr("No such file"));
  for (auto& file : {files.authority, files.key}) unlink(file.c_str());
  rmdir(directory);
}

TEST_F(TlsTest, DialConnectsOverTlsOrSaysWhyNot) {
  std::string why;
  auto endpoint = Endpoint::fromText("tls:127.0.0.1:0", &why).value();
  auto listening = openSocket(endpoint);
  KJ_SYSCALL(bind(listening, endpoint.socketAddress(), endpoint.addressBytes));
  KJ_SYSCALL(listen(listening, 8));
  KJ_SYSCALL(getsockname(listening, reinterpret_cast<sockaddr*>(&endpoint.address),
                         &endpoint.addressBytes));
  auto port = io_.lowLevelProvider->wrapListenSocketFd(kj::mv(listening));
  TlsServer server(credentials(tlsAuthority().issueNode("n1")), timer(), 1 * kj::SECONDS);
  TlsClient client(credentials(tlsAuthority().issueClient("operator:ci")));
  auto dialNode = [&]() {
    return dial(io_.unixEventPort, timer(),
                {endpoint, client, "n1", 300 * kj::MILLISECONDS, nullptr});
  };
  {
    auto accepted = port->accept()
                        .then([&](kj::Own<kj::AsyncIoStream>&& stream) {
                          return server.accept(kj::mv(stream));
                        })
                        .eagerlyEvaluate(nullptr);
    dialNode().wait(io_.waitScope);
    EXPECT_EQ(accepted.wait(io_.waitScope).identity.name, "operator:ci");
  }
  auto kindOf = [&]() {
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { dialNode().wait(io_.waitScope); })) {
      EXPECT_EQ(classify(*exception), Remedy::kRetry);
      return toFailure(*exception, "test").kind;
    }
    return Kind::UNSPECIFIED;
  };
  EXPECT_EQ(kindOf(), Kind::TIMEOUT);  // It listens, and nobody shakes hands.
  port = nullptr;
  EXPECT_EQ(kindOf(), Kind::SYSTEM);
}

TEST(PkiTest, KeptAuthorityIsLoadedOnlyWithItsOwnKey) {
  auto first = Authority::make("a");
  auto second = Authority::make("b");
  EXPECT_EQ(Authority::load(first.pair()).certificate(), first.certificate());
  EXPECT_ANY_THROW(Authority::load({first.certificate(), second.pair().key}));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace support
