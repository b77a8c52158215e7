// Tries SIGHUP under load. Certificates, authorities and the deny list change, and only connections
// that are affected end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/agent_test/program_fixture.h"
#include "schema/support/base/trusted_file.h"
#include "schema/support/tls/certificate.h"
#include "schema/support/tls/pki.h"

namespace nodeagent {
namespace {

using support::Authority;
using testing::HasSubstr;

class ReloadTest : public ProgramTest {
 protected:
  ReloadTest() {
    put("ca.pem", authority_.certificate(), 0644);
    put("denied", "", 0644);
    renew();
  }

  void put(const std::string& name, const std::string& text, mode_t mode) {
    support::writeTrustedFile(file(name), text, mode, support::Overwrite::kYes);
  }

  // Writes a new key and certificate. A reload between the two would find a pair that does not fit.
  void renew() {
    auto pair = authority_.issueNode("n1");
    put("key.pem", pair.key, 0600);
    put("cert.pem", pair.certificate, 0644);
  }

  std::vector<std::string> tlsArguments() {
    auto arguments = usual();
    // Under root the front cannot read the key by itself.
    if (geteuid() == 0) {
      arguments.back() = "--front-user=nobody";
      std::filesystem::permissions(directory_, std::filesystem::perms(0711));
    }
    arguments.push_back("--listen=tls:127.0.0.1:0");
    arguments.push_back("--tls-authority=" + file("ca.pem"));
    arguments.push_back("--tls-certificate=" + file("cert.pem"));
    arguments.push_back("--tls-key=" + file("key.pem"));
    arguments.push_back("--tls-denied=" + file("denied"));
    return arguments;
  }

  void startTls() {
    start(tlsArguments());
    ASSERT_TRUE(says("keeper ready")) << text("err");
    std::string log = text("err");
    size_t at = log.find("tls:127.0.0.1:");
    endpoint_ = log.substr(at, log.find_first_of(" \"\n", at) - at);
    front_ = frontPid();
  }

  bool says(const std::string& words) {
    return eventually([&]() { return text("err").find(words) != std::string::npos; });
  }

  // Sends SIGHUP, and waits until both processes have reported the result.
  void reload(const char* outcome) {
    size_t before = count(outcome);
    kill(pid_, SIGHUP);
    ASSERT_TRUE(eventually([&]() { return count(outcome) > before; })) << text("err");
  }
  size_t count(const std::string& words) {
    std::string log = text("err");
    size_t times = 0;
    for (size_t at = 0; (at = log.find(words, at)) != std::string::npos; ++at) ++times;
    return times;
  }

  kj::Own<support::RpcConnection> connectTls(const support::KeyPair& client) {
    std::string why;
    support::TlsClient tls({authority_.certificate(), client});
    support::DialOptions options;
    options.endpoint = support::Endpoint::fromText(endpoint_, &why).value();
    options.tls = tls;
    options.nodeName = "n1";
    auto& timer = io_.provider->getTimer();
    auto stream = support::dial(io_.unixEventPort, timer, kj::mv(options)).wait(io_.waitScope);
    return kj::heap<support::RpcConnection>(kj::mv(stream), timer);
  }

  // Pings without pause and counts answers, until it is told to stop or a call fails.
  struct Load {
    wire::Session::Client session;
    size_t answers = 0;
    bool failed = false;
    kj::Promise<void> run() {
      return session.pingRequest().send().then([this](auto&&) {
        ++answers;
        return run();
      });
    }
  };

  const Authority authority_ = Authority::make("lab");
  const support::KeyPair client_ = authority_.issueClient("operator:ci");
  std::string endpoint_;
  pid_t front_ = 0;
};

TEST_F(ReloadTest, NoCallFailsWhileCertificatesChange) {
  constexpr size_t kReloads = 20;
  startTls();
  auto connection = connectTls(client_);
  Load load{hello(*connection).getSession()};
  auto running = load.run().eagerlyEvaluate([&](kj::Exception&&) { load.failed = true; });
  for (size_t i = 0; i < kReloads; ++i) {
    renew();
    size_t answers = load.answers;
    reload("info reloaded");
    ASSERT_TRUE(eventually([&]() { return load.failed || load.answers > answers; }));
    auto fresh = connectTls(client_);
    EXPECT_FALSE(hello(*fresh, wire::Attach::ATTACH_ONLY).hasError());
  }
  EXPECT_FALSE(load.failed);
  EXPECT_GE(load.answers, kReloads);
  EXPECT_EQ(frontPid(), front_);
  EXPECT_EQ(count("the front ended"), 0u);
  RecordProperty("answers", static_cast<int>(load.answers));
}

TEST_F(ReloadTest, OnlyConnectionsOfTheDeniedCertificateEnd) {
  startTls();
  auto lost = authority_.issueClient("operator:lost");
  auto denied = connectTls(lost);
  auto gate = denied->bootstrap();
  auto kept = connectTls(client_);
  auto session = hello(*kept).getSession();
  bool gone = false;
  auto watching = denied->onDisconnect().then([&]() { gone = true; }).eagerlyEvaluate(nullptr);
  put("denied", "serial " + support::describeCertificate(lost.certificate)->mark.serial + "\n",
      0644);
  reload("info reloaded");
  EXPECT_TRUE(eventually([&]() { return gone; }));
  EXPECT_TRUE(says("its certificate is on the deny list now"));
  session.pingRequest().send().wait(io_.waitScope);
  EXPECT_ANY_THROW({
    auto again = connectTls(lost);
    hello(*again);
  });
}

TEST_F(ReloadTest, OnlyConnectionsOfTheRemovedAuthorityEnd) {
  const Authority old = Authority::make("lab, before");
  put("ca.pem", old.certificate() + authority_.certificate(), 0644);
  startTls();
  auto lost = connectTls(old.issueClient("operator:old"));
  auto gate = lost->bootstrap();
  auto kept = connectTls(client_);
  auto session = hello(*kept).getSession();
  bool gone = false;
  auto watching = lost->onDisconnect().then([&]() { gone = true; }).eagerlyEvaluate(nullptr);
  // Only the order of the authorities changes.
  put("ca.pem", authority_.certificate() + old.certificate(), 0644);
  reload("info reloaded");
  session.pingRequest().send().wait(io_.waitScope);
  EXPECT_FALSE(gone);
  put("ca.pem", authority_.certificate(), 0644);
  reload("info reloaded");
  EXPECT_TRUE(eventually([&]() { return gone; }));
  EXPECT_TRUE(says("the authority of its certificate is not trusted any more"));
  session.pingRequest().send().wait(io_.waitScope);
}

TEST_F(ReloadTest, EachMistakeLeavesEverythingAsItWas) {
  startTls();
  auto connection = connectTls(client_);
  auto session = hello(*connection).getSession();
  struct Wrong {
    const char* name;
    std::string text;
    mode_t mode;
    const char* complaint;
  };
  for (const Wrong& wrong :
       {Wrong{"key.pem", authority_.issueNode("n1").key, 0600, "does not belong"},
        Wrong{"key.pem", "x", 0600, "not a private key"},
        Wrong{"cert.pem", "x", 0644, "tls certificate"}, Wrong{"ca.pem", "x", 0644, "authority"},
        Wrong{"denied", "serial ?\n", 0644, "line 1"},
        Wrong{"denied", "", 0666, "0644 is right"}}) {
    std::string good = text(wrong.name);
    put(wrong.name, wrong.text, wrong.mode);
    reload("not reloaded");
    EXPECT_THAT(text("err"), HasSubstr(wrong.complaint));
    put(wrong.name, good, std::string(wrong.name) == "key.pem" ? 0600 : 0644);
  }
  session.pingRequest().send().wait(io_.waitScope);
  auto fresh = connectTls(client_);
  EXPECT_FALSE(hello(*fresh, wire::Attach::ATTACH_ONLY).hasError());
  EXPECT_EQ(frontPid(), front_);
}

TEST_F(ReloadTest, AgentWhoseDenyListIsMissingDoesNotStart) {
  std::filesystem::remove(file("denied"));
  auto arguments = tlsArguments();
  EXPECT_EQ(run(arguments), 78);
  EXPECT_THAT(text("err"), HasSubstr("denied: No such file or directory"));
  arguments.push_back("--check-config");
  EXPECT_EQ(run(arguments), 78);
  EXPECT_THAT(text("err"), HasSubstr("tls denied " + file("denied")));
}

TEST_F(ReloadTest, LogIsOpenedAgainByBothProcesses) {
  auto arguments = usual();
  arguments.push_back("--log-file=" + file("log"));
  start(arguments);
  ASSERT_TRUE(eventually([&]() { return text("log").find("keeper ready") != std::string::npos; }));
  std::filesystem::rename(file("log"), file("log.1"));
  kill(pid_, SIGHUP);
  for (const char* process :
       {"nodeagent[keeper] info reloaded", "nodeagent[front] info reloaded"}) {
    EXPECT_TRUE(eventually([&]() { return text("log").find(process) != std::string::npos; }))
        << process << "\n"
        << text("log");
  }
}

}  // namespace
}  // namespace nodeagent
