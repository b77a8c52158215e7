// A token serves one key until it expires, and only a hash of its secret is kept.
#include "harness/pki/tokens.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "harness/pki/error.h"
#include "schema/support/tls/enrolment_token.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using support::EnrolmentToken;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using Json = nlohmann::json;

class PkiTokensTest : public ::testing::Test {
 protected:
  PkiTokensTest() {
    char pattern[] = "/tmp/muster-tokens-XXXXXX";
    base_ = ::mkdtemp(pattern);
    PkiDirectory::create(base_ + "/pki", "lab");
    directory_.emplace(base_ + "/pki");
    tokens_.emplace(*directory_);
  }
  ~PkiTokensTest() override { fs::remove_all(base_); }

  EnrolmentToken token(const std::string& node, std::vector<std::string> names = {}) {
    std::string why;
    return EnrolmentToken::fromText(tokens_->make(node, names, 90, 3600).text, &why).value();
  }
  EnrolmentReply redeem(const EnrolmentToken& token, const std::string& request) {
    return tokens_->redeem({token.id, token.secret, request, "10.0.0.9"});
  }
  std::string tokenFile(const EnrolmentToken& token) { return base_ + "/pki/tokens/" + token.id; }
  std::string nodeFile(const std::string& node) { return base_ + "/pki/nodes/" + node + ".pem"; }
  static std::string text(const std::string& path) {
    std::ostringstream content;
    content << std::ifstream(path).rdbuf();
    return content.str();
  }
  void expire(const EnrolmentToken& token) {
    Json json = Json::parse(text(tokenFile(token)));
    json["expires"] = ::time(nullptr) - 1;
    std::ofstream(tokenFile(token)) << json.dump();
  }

  std::string base_;
  std::optional<PkiDirectory> directory_;
  std::optional<PkiTokens> tokens_;
};

std::string requestOf(const std::string& name) {
  return support::makeRequest(name).request;
}

TEST_F(PkiTokensTest, OnlyAHashOfTheSecretIsKeptWhereOthersCannotReadIt) {
  auto made = token("n1");
  struct stat status {};
  ASSERT_EQ(::stat(tokenFile(made).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  ASSERT_EQ(::stat((base_ + "/pki/tokens").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  EXPECT_GE(made.secret.size() * 4, 128u);
  redeem(made, requestOf("n1"));
  for (const auto& entry : fs::recursive_directory_iterator(base_)) {
    if (entry.is_regular_file()) {
      EXPECT_THAT(text(entry.path()), Not(HasSubstr(made.secret))) << entry.path();
    }
  }
}

TEST_F(PkiTokensTest, NamesComeFromTheTokenAndNotFromTheRequest) {
  auto reply = redeem(token("n1", {"n1.lab"}), requestOf("admin:me"));
  ASSERT_EQ(reply.reason, EnrolmentReason::kNone) << reply.text;
  auto facts = support::describeCertificate(reply.certificate).value();
  EXPECT_EQ(facts.commonName, "n1");
  EXPECT_THAT(facts.dnsNames, ::testing::ElementsAre("n1", "n1.lab"));
  EXPECT_TRUE(facts.forServers);
  EXPECT_FALSE(facts.forClients);
  EXPECT_EQ(text(nodeFile("n1")), reply.certificate);
}

TEST_F(PkiTokensTest, UsedTokenServesItsFirstKeyOnly) {
  auto made = token("n1");
  auto key = support::makeRequest("n1").key;
  auto first = redeem(made, support::requestFor(key, "n1"));
  ASSERT_EQ(first.reason, EnrolmentReason::kNone);
  // Not the same bytes: a request is signed anew each time.
  auto again = redeem(made, support::requestFor(key, "other"));
  EXPECT_EQ(again.certificate, first.certificate);
  auto other = redeem(made, requestOf("n1"));
  EXPECT_EQ(other.reason, EnrolmentReason::kUsedToken);
  EXPECT_THAT(other.text, HasSubstr("from 10.0.0.9"));
  EXPECT_EQ(other.certificate, "");
}

TEST_F(PkiTokensTest, RefusalsAreToldApartAndUseNothingUp) {
  auto made = token("n1");
  auto wrong = made;
  wrong.secret[0] = wrong.secret[0] == '0' ? '1' : '0';
  EXPECT_EQ(redeem(wrong, requestOf("n1")).reason, EnrolmentReason::kUnknownToken);
  wrong = made;
  for (const char* id : {"", "../authority.key", "0123456789abcdef", "."}) {
    wrong.id = id;
    EXPECT_EQ(redeem(wrong, requestOf("n1")).reason, EnrolmentReason::kUnknownToken) << id;
  }
  for (const std::string& request : {std::string(), std::string("nonsense"),
                                     text(base_ + "/pki/authority.pem"), std::string(60000, 'A')}) {
    EXPECT_EQ(redeem(made, request).reason, EnrolmentReason::kBadRequest);
  }
  std::ofstream(nodeFile("n1")) << "taken";
  EXPECT_EQ(redeem(made, requestOf("n1")).reason, EnrolmentReason::kNameTaken);
  fs::remove(nodeFile("n1"));
  EXPECT_EQ(redeem(made, requestOf("n1")).reason, EnrolmentReason::kNone);
}

TEST_F(PkiTokensTest, ExpiredTokenIsWorthNothingUsedOrNot) {
  auto unused = token("n1"), used = token("n2");
  auto request = requestOf("n2");
  ASSERT_EQ(redeem(used, request).reason, EnrolmentReason::kNone);
  expire(unused);
  expire(used);
  EXPECT_EQ(redeem(unused, requestOf("n1")).reason, EnrolmentReason::kExpiredToken);
  EXPECT_EQ(redeem(used, request).reason, EnrolmentReason::kExpiredToken);
  EXPECT_FALSE(fs::exists(nodeFile("n1")));
}

TEST_F(PkiTokensTest, RevokedTokenIsUnknown) {
  auto made = token("n1");
  ASSERT_THAT(tokens_->list(), SizeIs(1));
  EXPECT_EQ(tokens_->revoke(made.id).node, "n1");
  EXPECT_THAT(tokens_->list(), SizeIs(0));
  EXPECT_EQ(redeem(made, requestOf("n1")).reason, EnrolmentReason::kUnknownToken);
  EXPECT_THROW(tokens_->revoke(made.id), AuthorityError);
  EXPECT_THROW(tokens_->revoke("../authority.pem"), AuthorityError);
}

// Whatever died after the token was used up: the certificate is not lost, and nobody else gets one.
TEST_F(PkiTokensTest, InterruptedServerKeepsTheCertificateForItsKey) {
  auto made = token("n1");
  auto request = requestOf("n1");
  fs::rename(base_ + "/pki/nodes", base_ + "/away");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(redeem(made, request).reason, EnrolmentReason::kBroken);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), Not(HasSubstr(made.secret)));
  fs::rename(base_ + "/away", base_ + "/pki/nodes");
  ASSERT_TRUE(tokens_->list()[0].used());
  EXPECT_EQ(redeem(made, requestOf("n1")).reason, EnrolmentReason::kUsedToken);
  EXPECT_FALSE(fs::exists(nodeFile("n1")));
  tokens_->finishInterrupted();
  std::string kept = text(nodeFile("n1"));
  EXPECT_NE(kept, "");
  EXPECT_EQ(redeem(made, request).certificate, kept);
}

TEST_F(PkiTokensTest, OneOfManyProcessesWins) {
  for (int round = 0; round < 25; ++round) {
    std::string node = "n" + std::to_string(round);
    auto made = token(node);
    std::vector<pid_t> processes;
    for (int i = 0; i < 3; ++i) {
      pid_t pid = ::fork();
      if (pid == 0) {
        auto reply = redeem(made, requestOf(node));
        ::_exit(reply.reason == EnrolmentReason::kNone        ? 0
                : reply.reason == EnrolmentReason::kUsedToken ? 1
                                                              : 2);
      }
      processes.push_back(pid);
    }
    int ended[3] = {0, 0, 0};
    for (pid_t pid : processes) {
      int status = 0;
      ASSERT_EQ(::waitpid(pid, &status, 0), pid);
      ASSERT_TRUE(WIFEXITED(status));
      ++ended[WEXITSTATUS(status)];
    }
    EXPECT_EQ(ended[0], 1) << node;
    EXPECT_EQ(ended[1], 2) << node;
  }
}

TEST_F(PkiTokensTest, DamagedFileIsReportedHereAndNotToTheNode) {
  auto made = token("n1");
  std::ofstream(tokenFile(made)) << "{";
  ::testing::internal::CaptureStderr();
  auto reply = redeem(made, requestOf("n1"));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("damaged"));
  EXPECT_EQ(reply.reason, EnrolmentReason::kBroken);
  EXPECT_THAT(reply.text, Not(HasSubstr(base_)));
}

TEST_F(PkiTokensTest, NameThatHasACertificateGetsNoToken) {
  directory_->issueNode("n1", {}, 1);
  EXPECT_THROW(tokens_->make("n1", {}, 90, 3600), AuthorityError);
  EXPECT_THROW(tokens_->make(support::kEnrolmentName, {}, 90, 3600), AuthorityError);
  EXPECT_THROW(tokens_->make("n2", {"*"}, 90, 3600), AuthorityError);
  EXPECT_FALSE(fs::exists(base_ + "/pki/tokens") && !fs::is_empty(base_ + "/pki/tokens"));
}

}  // namespace
}  // namespace harness
