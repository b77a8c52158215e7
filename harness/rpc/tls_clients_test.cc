#include "harness/rpc/tls_clients.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <kj/exception.h>

namespace harness {
namespace {

using support::Authority;

class TlsClientsTest : public testing::Test {
 protected:
  TlsClientsTest() {
    char pattern[] = "/tmp/muster-tls-clients-XXXXXX";
    directory_ = mkdtemp(pattern);
    files_ = {directory_ + "/ca.pem", directory_ + "/me.pem", directory_ + "/me.key"};
    Authority authority = Authority::make("ours");
    store(authority, authority.issueClient("operator:test"));
  }
  ~TlsClientsTest() override { std::filesystem::remove_all(directory_); }

  void store(const Authority& authority, const support::KeyPair& pair) {
    keep(files_.authority, authority.certificate());
    keep(files_.certificate, pair.certificate);
    keep(files_.key, pair.key);
  }

  static void keep(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms{0600});
  }

  bool refused() {
    return kj::runCatchingExceptions([this]() { clients_.get(files_); }) != nullptr;
  }

  std::string directory_;
  TlsFiles files_;
  TlsClients clients_;
};

TEST_F(TlsClientsTest, FilesThatStayAreReadOnce) {
  EXPECT_TRUE(clients_.get(files_).sharesWith(clients_.get(files_)));
}

TEST_F(TlsClientsTest, FilesThatWereReplacedAreReadAgain) {
  support::TlsClient before = clients_.get(files_);
  Authority other = Authority::make("other");
  store(other, other.issueClient("operator:test"));
  EXPECT_FALSE(before.sharesWith(clients_.get(files_)));
}

TEST_F(TlsClientsTest, FilesThatWereSpoiledAreRefused) {
  clients_.get(files_);
  keep(files_.certificate, "no certificate");
  EXPECT_TRUE(refused());
}

TEST_F(TlsClientsTest, KeysThatOthersMayReadNowAreRefused) {
  clients_.get(files_);
  ASSERT_EQ(chmod(files_.key.c_str(), 0644), 0);
  EXPECT_TRUE(refused());
}

}  // namespace
}  // namespace harness
