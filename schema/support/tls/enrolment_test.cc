// Tries that a node gives its token to the right server only: the text of tokens, and the handshake
// before anything is sent.
#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>
#include <kj/io.h>

#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/tls/certificate.h"
#include "schema/support/tls/enrolment_tls.h"
#include "schema/support/tls/enrolment_token.h"

namespace support {
namespace {

using testing::HasSubstr;
using testing::Not;

const Authority& authority() {
  static const Authority instance = Authority::make("enrolment test");
  return instance;
}

std::string digestOf(const Authority& of) {
  return describeCertificate(of.certificate())->mark.sha256;
}

KeyPair serverPair(const Authority& of, const Validity& validity = {}) {
  return of.issue(kEnrolmentName, {kEnrolmentName}, Purpose::kServer, validity);
}

TEST(EnrolmentTokenTest, ComesBackFromItsText) {
  auto token = EnrolmentToken::make("n1", digestOf(authority()));
  std::string why;
  auto read = EnrolmentToken::fromText("\n " + token.text() + "\r\n", &why);
  ASSERT_TRUE(read.has_value()) << why;
  EXPECT_EQ(read->nodeName, "n1");
  EXPECT_EQ(read->id, token.id);
  EXPECT_EQ(read->secret, token.secret);
  EXPECT_EQ(read->authoritySha256, digestOf(authority()));
  EXPECT_NE(EnrolmentToken::make("n1", "").secret, token.secret);
}

TEST(EnrolmentTokenTest, AnythingElseIsRefusedWithoutRepeatingIt) {
  auto token = EnrolmentToken::make("n1", digestOf(authority()));
  std::string good = token.text();
  std::string capitals = good, otherVersion = good;
  capitals[good.size() - 1] = 'F';
  otherVersion.replace(good.find(":1:"), 3, ":2:");
  const std::vector<std::string> wrong = {
      "",
      "n1",
      ":::::",
      good.substr(0, good.size() - 1),
      good + "0",
      good + ":",
      good + "\n" + good,
      "muster-token:1:../n1:" + token.id + ":" + token.secret + ":" + token.authoritySha256,
      capitals + "F",
      otherVersion,
      good.substr(good.find("n1")),
      std::string(1 << 20, ':')};
  for (const std::string& text : wrong) {
    std::string why;
    EXPECT_FALSE(EnrolmentToken::fromText(text, &why).has_value()) << text.substr(0, 200);
    EXPECT_THAT(why, HasSubstr("token"));
    EXPECT_THAT(why, Not(HasSubstr(token.secret.substr(0, 8))));
  }
}

TEST(EnrolmentTokenTest, NodeMayNotHaveTheServersName) {
  EXPECT_FALSE(isCertificateName(kEnrolmentName));
}

class EnrolmentTlsTest : public testing::Test {
 protected:
  ~EnrolmentTlsTest() noexcept override {}

  struct Outcome {
    EnrolmentDoubt doubt = EnrolmentDoubt::kNone;
    bool met = false;
    std::string authority;
    std::string heard;  // The bytes that the server could read.
  };

  // The node shakes hands and sends its secret if it may.
  Outcome meet(const KeyPair& own, const std::string& shown, const std::string& sha256) {
    int ends[2];
    KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
    auto wrap = [this](int end) {
      return io_.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(end));
    };
    EnrolmentTlsServer server(own, shown, io_.provider->getTimer(), 5 * kj::SECONDS);
    Outcome outcome;
    char buffer[16];
    auto served = server.accept(wrap(ends[0]))
                      .then([&](kj::Own<kj::AsyncIoStream>&& stream) {
                        auto read = stream->tryRead(buffer, 1, sizeof buffer);
                        return read.attach(kj::mv(stream));
                      })
                      .then([&](size_t count) { outcome.heard.assign(buffer, count); })
                      .eagerlyEvaluate([](kj::Exception&&) {});
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                   auto met = connectForEnrolment(wrap(ends[1]), sha256).wait(io_.waitScope);
                   outcome.met = true;
                   outcome.authority = met.authority;
                   met.stream->write("secret", 6).wait(io_.waitScope);
                 })) {
      outcome.doubt = doubtOf(*exception);
    }
    served.wait(io_.waitScope);
    return outcome;
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  CapturedLog log_;
};

TEST_F(EnrolmentTlsTest, ServerOfTheTokensAuthorityIsToldTheSecret) {
  auto outcome = meet(serverPair(authority()), authority().certificate(), digestOf(authority()));
  EXPECT_TRUE(outcome.met);
  EXPECT_EQ(outcome.authority, authority().certificate());
  EXPECT_EQ(outcome.heard, "secret");
}

TEST_F(EnrolmentTlsTest, OtherServersAreToldNothing) {
  const Authority foreign = Authority::make("enrolment test");
  const std::string right = digestOf(authority());
  const Validity over{2 * 24 * 3600, -3600}, later{-3600, 7200};
  struct Case {
    const char* what;
    KeyPair own;
    std::string shown;
    EnrolmentDoubt doubt;
  };
  const std::vector<Case> cases = {
      {"another authority of the same name", serverPair(foreign), foreign.certificate(),
       EnrolmentDoubt::kOtherAuthority},
      {"another's certificate, the right authority beside it", serverPair(foreign),
       authority().certificate(), EnrolmentDoubt::kOtherAuthority},
      {"both authorities", serverPair(foreign), foreign.certificate() + authority().certificate(),
       EnrolmentDoubt::kOtherAuthority},
      {"no authority shown", serverPair(authority()), "", EnrolmentDoubt::kOtherAuthority},
      {"a node that was taken over", authority().issueNode("n2"), authority().certificate(),
       EnrolmentDoubt::kOtherName},
      {"a controller", authority().issue(kEnrolmentName, {kEnrolmentName}, Purpose::kClient, {}),
       authority().certificate(), EnrolmentDoubt::kOtherName},
      {"expired", serverPair(authority(), over), authority().certificate(), EnrolmentDoubt::kClock},
      {"not yet valid", serverPair(authority(), later), authority().certificate(),
       EnrolmentDoubt::kClock},
  };
  for (const Case& wrong : cases) {
    auto outcome = meet(wrong.own, wrong.shown, right);
    EXPECT_FALSE(outcome.met) << wrong.what;
    EXPECT_EQ(outcome.doubt, wrong.doubt) << wrong.what;
    EXPECT_EQ(outcome.heard, "") << wrong.what;
  }
}

// A digest that fits a certificate which is no authority's would make that certificate one.
TEST_F(EnrolmentTlsTest, DigestOfTheServersOwnCertificateIsRefused) {
  auto own = serverPair(authority());
  std::string leaf = describeCertificate(own.certificate)->mark.sha256;
  auto outcome = meet(own, authority().certificate(), leaf);
  EXPECT_FALSE(outcome.met);
  EXPECT_EQ(outcome.doubt, EnrolmentDoubt::kOtherAuthority);
}

TEST(NodeCertificateTest, MustMatchNodeKeyAndAuthority) {
  const Authority foreign = Authority::make("enrolment test");
  const Validity over{2 * 24 * 3600, -3600};
  auto good = authority().issueNode("n1");
  auto check = [&](const KeyPair& pair, const std::string& key) {
    return whyNotOfNode(pair.certificate, {"n1", key, authority().certificate()});
  };
  EXPECT_EQ(check(good, good.key), "");
  EXPECT_THAT(check(good, authority().issueNode("n1").key), HasSubstr("not for the key"));
  EXPECT_THAT(check({"nonsense", ""}, good.key), HasSubstr("PEM"));
  auto refused = [&](const KeyPair& pair) { return check(pair, pair.key); };
  EXPECT_THAT(refused(authority().issueNode("n2")), HasSubstr("ostname mismatch"));
  EXPECT_THAT(refused(foreign.issueNode("n1")), Not(""));
  EXPECT_THAT(refused(authority().issueNode("n1", over)), HasSubstr("expired"));
  EXPECT_THAT(refused(authority().issue("n1", {"n1"}, Purpose::kClient, {})), HasSubstr("purpose"));
}

}  // namespace
}  // namespace support
