// `muster pki` as a person uses it: what it writes, and what it refuses to touch.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "harness/cli/command_error.h"
#include "harness/cli/muster.h"
#include "schema/support/tls/certificate.h"
#include "schema/support/tls/pki.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class PkiTest : public ::testing::Test {
 protected:
  PkiTest() {
    char pattern[] = "/tmp/muster-pki-XXXXXX";
    base_ = ::mkdtemp(pattern);
    pki_ = base_ + "/pki";
  }
  ~PkiTest() override { fs::remove_all(base_); }

  // Returns what the command prints; its status and complaint go to status_ and complaint_.
  std::string pki(std::vector<std::string> words, bool withDirectory = true) {
    words.insert(words.begin(), "pki");
    if (withDirectory) words.push_back("--dir=" + pki_);
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    status_ = runMuster(words);
    complaint_ = ::testing::internal::GetCapturedStderr();
    return ::testing::internal::GetCapturedStdout();
  }
  void init() {
    pki({"init", pki_, "--cluster=lab"}, false);
    ASSERT_EQ(status_, 0) << complaint_;
  }

  std::string text(const std::string& name) {
    std::ostringstream content;
    content << std::ifstream(pki_ + "/" + name).rdbuf();
    return content.str();
  }
  support::CertificateFacts facts(const std::string& name) {
    return support::describeCertificate(text(name)).value();
  }
  unsigned mode(const std::string& name) {
    struct stat status {};
    EXPECT_EQ(::stat((pki_ + "/" + name).c_str(), &status), 0) << name;
    return status.st_mode & 07777;
  }

  std::string base_, pki_, complaint_;
  int status_ = 0;
};

TEST_F(PkiTest, MakesAnAuthorityThatOthersCannotUse) {
  init();
  EXPECT_EQ(mode("authority.key"), 0600u);
  EXPECT_EQ(mode(""), 0700u);
  auto authority = facts("authority.pem");
  EXPECT_TRUE(authority.isAuthority);
  EXPECT_EQ(authority.commonName, "muster cluster lab");
}

TEST_F(PkiTest, IssuesForNodesAndControllersWhatTheyMayBe) {
  init();
  EXPECT_THAT(pki({"node", "n1", "--san=n1.lab.test"}), HasSubstr("/nodes/n1.key"));
  EXPECT_EQ(mode("nodes/n1.key"), 0600u);
  auto node = facts("nodes/n1.pem");
  EXPECT_THAT(node.dnsNames, ElementsAre("n1", "n1.lab.test"));
  EXPECT_TRUE(node.forServers);
  EXPECT_FALSE(node.forClients);
  Json client = Json::parse(pki({"client", "ci", "--role=operator", "--days=1", "--json"}));
  EXPECT_EQ(client["name"], "operator:ci");
  EXPECT_EQ(client["state"], "valid");
  auto made = facts("clients/operator-ci.pem");
  EXPECT_TRUE(made.forClients);
  EXPECT_FALSE(made.forServers);
  EXPECT_EQ(made.notAfterSeconds - made.notBeforeSeconds, 2 * 24 * 3600);
}

TEST_F(PkiTest, SignsTheKeyOfANodeForTheNameThatIsGivenHere) {
  init();
  std::ofstream(base_ + "/n1.csr") << support::makeRequest("something else").request;
  pki({"sign", "n1", "--request=" + base_ + "/n1.csr"});
  ASSERT_EQ(status_, 0) << complaint_;
  auto node = facts("nodes/n1.pem");
  EXPECT_EQ(node.commonName, "n1");
  EXPECT_THAT(node.dnsNames, ElementsAre("n1"));
  EXPECT_FALSE(node.forClients);
  EXPECT_FALSE(fs::exists(pki_ + "/nodes/n1.key"));
  std::string before = text("nodes/n1.pem");
  pki({"sign", "n1", "--request=" + base_ + "/n1.csr"});
  EXPECT_EQ(status_, kExitCannotCreate);
  pki({"renew", "n1"});
  EXPECT_THAT(complaint_, HasSubstr("sign another request"));
  EXPECT_EQ(text("nodes/n1.pem"), before);
  std::ofstream(base_ + "/n2.csr") << before;
  pki({"sign", "n2", "--request=" + base_ + "/n2.csr"});
  EXPECT_EQ(status_, kExitData);
  EXPECT_THAT(complaint_, HasSubstr("n2.csr: not a certificate request"));
  EXPECT_FALSE(fs::exists(pki_ + "/nodes/n2.pem"));
}

TEST_F(PkiTest, NeverReplacesWhatIsThere) {
  init();
  pki({"node", "n1"});
  std::string authority = text("authority.key"), node = text("nodes/n1.key");
  pki({"init", pki_, "--cluster=other"}, false);
  EXPECT_EQ(status_, kExitCannotCreate);
  pki({"node", "n1"});
  EXPECT_EQ(status_, kExitCannotCreate);
  EXPECT_THAT(complaint_, HasSubstr("muster pki renew"));
  fs::remove(pki_ + "/nodes/n1.pem");  // As if it had been killed between key and certificate.
  pki({"node", "n1"});
  EXPECT_EQ(status_, kExitCannotCreate);
  EXPECT_EQ(text("authority.key"), authority);
  EXPECT_EQ(text("nodes/n1.key"), node);
}

TEST_F(PkiTest, RenewKeepsTheNamesAndRemembersTheOldCertificate) {
  init();
  pki({"node", "n1", "--san=alias"});
  auto old = facts("nodes/n1.pem");
  std::string key = text("nodes/n1.key");
  pki({"renew", "n1"});
  ASSERT_EQ(status_, 0) << complaint_;
  auto renewed = facts("nodes/n1.pem");
  EXPECT_NE(renewed.mark.serial, old.mark.serial);
  EXPECT_EQ(renewed.dnsNames, old.dnsNames);
  EXPECT_NE(text("nodes/n1.key"), key);
  EXPECT_EQ(facts("replaced/" + old.mark.serial + ".pem").mark.sha256, old.mark.sha256);
  EXPECT_THAT(pki({"show"}), HasSubstr("n1  replaced"));
  pki({"renew", "authority.pem"});
  EXPECT_NE(status_, 0);
}

TEST_F(PkiTest, RevokeTakesAFileOrASerialAndWritesTheDenyList) {
  init();
  pki({"client", "ci", "--role=admin"});
  std::string file = pki_ + "/clients/admin-ci.pem";
  EXPECT_THAT(pki({"revoke", file}), HasSubstr("added to"));
  EXPECT_THAT(pki({"revoke", facts("clients/admin-ci.pem").mark.serial}), HasSubstr("already in"));
  EXPECT_EQ(Json::parse(pki({"show", "admin:ci", "--json"}))[0]["state"], "denied");
  std::string why;
  auto list = support::DenyList::fromText(text("denied.list"), &why);
  ASSERT_TRUE(list) << why;
  EXPECT_TRUE(list->covers(facts("clients/admin-ci.pem").mark));
  EXPECT_EQ(list->size(), 1u);
}

TEST_F(PkiTest, UnsafePlacesAreRefusedBeforeAnythingIsWritten) {
  for (const char* unsafe : {"/shared", "/shared/inner"}) {
    fs::create_directory(base_ + unsafe);
    if (std::string(unsafe) == "/shared") ::chmod((base_ + unsafe).c_str(), 0777);
    pki({"init", base_ + unsafe, "--cluster=lab"}, false);
    EXPECT_EQ(status_, kExitCannotCreate) << unsafe;
    EXPECT_THAT(complaint_, HasSubstr("can be written by others"));
    EXPECT_FALSE(fs::exists(base_ + unsafe + "/authority.key"));
  }
  init();
  ::chmod((pki_ + "/authority.key").c_str(), 0640);
  pki({"node", "n1"});
  EXPECT_EQ(status_, kExitData);
  EXPECT_THAT(complaint_, HasSubstr("chmod 0600"));
}

TEST_F(PkiTest, WrongWordsAreNamedAndMakeNothing) {
  init();
  struct Wrong {
    std::vector<std::string> words;
    int status;
    const char* complaint;
  };
  for (const Wrong& wrong : std::vector<Wrong>{
           {{"nod", "n1"}, kExitUsage, "did you mean \"node\""},
           {{"node"}, kExitUsage, "an argument is missing"},
           {{"node", "a,DNS:b"}, kExitUsage, "node \"a,DNS:b\""},
           {{"node", "../n1"}, kExitUsage, "node \"../n1\""},
           {{"node", "*.lab"}, kExitUsage, "node \"*.lab\""},
           {{"node", ""}, kExitUsage, "node \"\""},
           {{"node", std::string(65, 'n')}, kExitUsage, "1 to 64"},
           {{"node", "n1", "--san=a b"}, kExitUsage, "--san \"a b\""},
           {{"node", "n1", "--days=0"}, kExitUsage, "--days: \"0\" is not a number"},
           {{"node", "n1", "--days=4000"}, kExitUsage, "from 1 to 3650"},
           {{"node", "n1", "--role=admin"}, kExitUsage, "no option \"--role\""},
           {{"client", "ci"}, kExitUsage, "--role observer, operator or admin is missing"},
           {{"client", "ci", "--role=root"}, kExitUsage, "\"root\" is no role"},
           {{"client", std::string(60, 'c'), "--role=admin"}, kExitUsage, "longer than 64"},
           {{"client", "c:i", "--role=admin"}, kExitUsage, "client \"c:i\""},
           {{"revoke", "xyz"}, kExitNoInput, "xyz"},
           {{"revoke", std::string(41, 'f')}, kExitUsage, "neither"},
           {{"renew", "n9"}, kExitNoInput, "no certificate \"n9\""},
           {{"show", "n1", "n2"}, kExitUsage, "too many"}}) {
    pki(wrong.words);
    EXPECT_EQ(status_, wrong.status) << complaint_;
    EXPECT_THAT(complaint_, HasSubstr(wrong.complaint));
  }
  EXPECT_TRUE(fs::is_empty(pki_ + "/nodes"));
  EXPECT_TRUE(fs::is_empty(pki_ + "/clients"));
  pki({"show", "--dir=" + base_ + "/none"}, false);
  EXPECT_EQ(status_, kExitNoInput);
}

}  // namespace
}  // namespace harness
