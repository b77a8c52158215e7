// Tests which certificates are let in, and the reasons that the others are given.
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent_fixture.h"
#include "schema/support/tls/pki.h"

namespace harness {
namespace {

using muster::NodeError;
using std::chrono::seconds;
using support::Authority;
using testing::HasSubstr;

class TlsConnectionTest : public testing::Test {
 protected:
  TlsConnectionTest() {
    char pattern[] = "/tmp/muster-tls-XXXXXX";
    directory_ = mkdtemp(pattern);
  }
  ~TlsConnectionTest() override { std::filesystem::remove_all(directory_); }

  std::string keep(const std::string& name, const std::string& text) {
    std::string path = directory_ + "/" + name;
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms{0600});
    return path;
  }

  // Connects with a certificate of `own` to an agent that has one of `node`; both trust `ours_`.
  // The text of the refusal; empty: connected.
  std::string connect(const Authority& own, const support::KeyPair& node,
                      const std::string& hostName = "") {
    FakeAgent agent({ours_.certificate(), node});
    NodeDescription description = agent.description();
    description.route.hostName = hostName;
    support::KeyPair client = own.issueClient("operator:test");
    description.route.tls = {keep("ca.pem", ours_.certificate()),
                             keep("me.pem", client.certificate), keep("me.key", client.key)};
    Controller controller;
    ControllerNode& connected = controller.connect(description);
    try {
      connected.awaitConnected(in(seconds(10)));
      return "";
    } catch (const NodeError& error) {
      EXPECT_EQ(error.kind(), NodeError::Kind::kRefused) << error.what();
      return error.what();
    }
  }

  Authority ours_ = Authority::make("ours");
  Authority theirs_ = Authority::make("theirs");
  std::string directory_;
};

TEST_F(TlsConnectionTest, RightCertificatesConnect) {
  EXPECT_EQ(connect(ours_, ours_.issueNode("n1")), "");
}

// The name may stand for ::1 as well, where nobody listens.
TEST_F(TlsConnectionTest, HostOfANameIsReachedAndItsCertificateDecidesWhoItIs) {
  EXPECT_EQ(connect(ours_, ours_.issueNode("n1"), "localhost"), "");
  EXPECT_THAT(connect(ours_, ours_.issueNode("localhost"), "localhost"),
              HasSubstr("did not prove to be n1"));
}

TEST_F(TlsConnectionTest, UnknownHostIsNamedWithTheResolversWords) {
  FakeAgent agent({ours_.certificate(), ours_.issueNode("n1")});
  NodeDescription description = agent.description();
  description.route.hostName = "node7.invalid";
  support::KeyPair client = ours_.issueClient("operator:test");
  description.route.tls = {keep("ca.pem", ours_.certificate()), keep("me.pem", client.certificate),
                           keep("me.key", client.key)};
  Controller controller;
  try {
    controller.connect(description).awaitConnected(in(seconds(2)));
    ADD_FAILURE() << "connected";
  } catch (const NodeError& error) {
    EXPECT_EQ(error.kind(), NodeError::Kind::kUnreachable) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("node7.invalid"));
  }
}

TEST_F(TlsConnectionTest, OurCertificateOfAnotherClusterIsRefused) {
  EXPECT_THAT(connect(theirs_, ours_.issueNode("n1")), HasSubstr("certificate"));
}

TEST_F(TlsConnectionTest, NodeOfAnotherClusterIsRefused) {
  EXPECT_THAT(connect(ours_, theirs_.issueNode("n1")), HasSubstr("did not prove to be n1"));
}

TEST_F(TlsConnectionTest, NodeOfAnotherNameIsRefused) {
  EXPECT_THAT(connect(ours_, ours_.issueNode("n2")), HasSubstr("did not prove to be n1"));
}

}  // namespace
}  // namespace harness
