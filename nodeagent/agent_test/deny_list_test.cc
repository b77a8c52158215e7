// Tries that denied certificates are refused, and that their connections end when the list changes
// later.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/agent_test/agent_fixture.h"

namespace nodeagent {
namespace {

using testing::HasSubstr;

class DenyListTest : public AgentTest {
 protected:
  static std::string entryFor(const support::KeyPair& pair) {
    return "serial " + support::describeCertificate(pair.certificate)->mark.serial + "\n";
  }
  static support::Credentials denying(const std::string& denied) {
    return {authority().certificate(), authority().issueNode("n1"), denied};
  }
  // Returns why a client with this certificate is refused, or an empty text if it is not.
  std::string refusal(const support::KeyPair& pair, support::Remedy remedy) {
    support::TlsClient tls({authority().certificate(), pair});
    std::string text;
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                   auto connection = connect(1, tls);
                   hello(*connection);
                 })) {
      EXPECT_EQ(support::classify(*exception), remedy);
      text = exception->getDescription().cStr();
    }
    return text;
  }

  const support::KeyPair lost_ = authority().issueClient("operator:lost");
  const support::KeyPair good_ = authority().issueClient("operator:ci");
};

TEST_F(DenyListTest, DeniedCertificateIsRefusedWithTheReason) {
  frontOptions_.credentials = denying(entryFor(lost_));
  startFront();
  EXPECT_THAT(refusal(lost_, support::Remedy::kRevoked), HasSubstr("certificate revoked"));
  EXPECT_THAT(log_.text(), HasSubstr("it is on the deny list"));
  EXPECT_EQ(refusal(good_, support::Remedy::kRetry), "");
  EXPECT_EQ(sessions_.count(), 1u);
}

TEST_F(DenyListTest, FingerprintDeniesToo) {
  auto mark = support::describeCertificate(lost_.certificate)->mark;
  frontOptions_.credentials = denying("sha256 " + mark.sha256 + "\n");
  startFront();
  EXPECT_NE(refusal(lost_, support::Remedy::kRevoked), "");
}

TEST_F(DenyListTest, NewEntryClosesOpenConnectionsOfThatCertificateOnly) {
  startFront();
  support::TlsClient lostTls({authority().certificate(), lost_});
  support::TlsClient goodTls({authority().certificate(), good_});
  auto lost = connect(1, lostTls);
  hello(*lost);
  auto good = connect(1, goodTls);
  auto local = connect(0);
  auto gate = good->bootstrap();
  front_->setCredentials(denying(entryFor(lost_)));
  EXPECT_TRUE(ends(*lost));
  EXPECT_EQ(front_->connectionCount(), 2u);
  EXPECT_THAT(log_.text(), HasSubstr("on the deny list now"));
  EXPECT_NE(refusal(lost_, support::Remedy::kRevoked), "");
}

TEST_F(DenyListTest, ListThatCannotBeReadChangesNothing) {
  frontOptions_.credentials = denying(entryFor(lost_));
  startFront();
  EXPECT_ANY_THROW(front_->setCredentials(denying("serial of mine\n")));
  EXPECT_ANY_THROW(front_->setCredentials({"no authority", authority().issueNode("n1")}));
  EXPECT_NE(refusal(lost_, support::Remedy::kRevoked), "");
  EXPECT_EQ(refusal(good_, support::Remedy::kRetry), "");
}

TEST_F(DenyListTest, AuthoritiesOfTwoClustersAreServedDuringAChange) {
  auto next = support::Authority::make("next");
  frontOptions_.credentials = support::Credentials{authority().certificate() + next.certificate(),
                                                   authority().issueNode("n1")};
  startFront();
  EXPECT_EQ(refusal(good_, support::Remedy::kRetry), "");
  support::TlsClient tls({authority().certificate(), next.issueClient("operator:ci")});
  auto connection = connect(1, tls);
  EXPECT_FALSE(hello(*connection).hasError());
}

TEST_F(DenyListTest, ConnectionEndsAtItsMaximumAge) {
  frontOptions_.connectionAgeMax = 200 * kj::MILLISECONDS;
  startFront();
  auto connection = connect();
  EXPECT_TRUE(ends(*connection));
  EXPECT_THAT(log_.text(), HasSubstr("as old as a connection may get"));
}

}  // namespace
}  // namespace nodeagent
