// F22, and F6 below TLS: certificates are replaced and denied while commands run, and bits flip.
//
// No connection may suffer from another's certificate, and no damaged byte may pass.
#include <stdlib.h>

#include <filesystem>

#include "tests_d/muster/robustness/component.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::ByteFault;
using muster::FaultProxy;
using muster::NodeError;
using muster::ProxyFaults;
using std::chrono::steady_clock;
using Part = Agent::Part;

class TlsTest : public FaultTest {
 protected:
  TlsTest() {
    // The agent refuses secrets in /tmp, where others could replace them.
    char path[] = "/run/muster-faults.XXXXXX";
    if (!mkdtemp(path)) throw std::runtime_error("no directory in /run");
    secrets_ = path;
  }
  ~TlsTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(secrets_, ignored);
  }

  void pki(const std::string& words, const std::string& directory = "pki") {
    runMuster("pki --dir " + secrets_ + "/" + directory + " " + words);
  }
  void initPki(const std::string& directory) {
    runMuster("pki init " + secrets_ + "/" + directory + " --cluster faults");
  }
  void runMuster(const std::string& words) {
    std::string command = programDirectory() + "/muster " + words + " >" + secrets_ + "/said 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  std::string file(const std::string& name, const std::string& directory = "pki") const {
    return secrets_ + "/" + directory + "/" + name;
  }
  // Replaces `target` by the content of one or several files.
  void replace(const std::string& target, const std::string& sources) {
    std::string command = "cat " + sources + " >" + target + ".new && chmod --reference=" + target +
                          " " + target + ".new && mv " + target + ".new " + target;
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

  void startTls() {
    std::filesystem::remove_all(secrets_ + "/pki");
    initPki("pki");
    pki("node n1");
    for (const char* name : {"ci", "lost"}) pki(std::string("client ") + name + " --role operator");
    // Revoking a certificate that is replaced next makes a list that denies nobody of ours.
    pki("revoke " + file("nodes/n1.pem"));
    pki("renew n1");
    startAgent({.tlsAuthority = file("authority.pem"),
                .tlsCertificate = file("nodes/n1.pem"),
                .tlsKey = file("nodes/n1.key"),
                .tlsDenied = file("denied.list")});
  }

  harness::NodeDescription description(const std::string& client, uint16_t port) const {
    harness::NodeDescription result;
    result.name = "n1";
    result.route.endpoint = support::Endpoint::parse("tls:127.0.0.1:" + std::to_string(port));
    result.route.tls = {file("authority.pem"), file("clients/operator-" + client + ".pem"),
                        file("clients/operator-" + client + ".key")};
    return result;
  }

  std::string secrets_;
};

// TLS detects a flipped bit and closes the connection. The calls go on over the next one.
TEST_F(TlsTest, FlippedBitsOnlyCloseConnections) {
  untilMet([&] {
    startTls();
    // The bits flip after the handshake. A damaged handshake may rightly be taken for a refusal,
    // which is not tried again for half a minute.
    FaultProxy proxy({.target = "127.0.0.1:" + std::to_string(agent().frontTlsPort()),
                      .seed = attemptSeed(),
                      .script = [](uint64_t connection) -> ProxyFaults {
                        ByteFault flip{ByteFault::Kind::kFlipBit, 6000, 40'000};
                        if (connection % 2) return {.toTarget = {.at = {flip}}};
                        return {.toClient = {.at = {flip}}};
                      }});
    LoadOptions small = loadOptions();
    small.fileBytesMax = 4000;
    Load load(connect(description("ci", proxy.port())), small);
    size_t times = trials(15, 0.5);
    EXPECT_TRUE(
        proxy.await([&](auto& counters) { return counters.faults >= times; }, 30s + times * 2s));
    proxy.heal();
    ASSERT_TRUE(load.awaitProgress(3, 20s));
    evaluate("F6 " + std::to_string(times) + " flipped bits below TLS", load, {}, times, times);
    disconnect();
  });
}

// A renewed certificate serves new connections, and those that are open stay.
TEST_F(TlsTest, NewCertificatesDisturbNobody) {
  untilMet([&] {
    startTls();
    Load load(connect(description("ci", agent().frontTlsPort())), loadOptions());
    size_t times = trials(6, 0.02), hits = 0;
    for (size_t trial = 0; trial < times; ++trial) {
      pki("renew n1");
      if (load.inFlight() > 0) ++hits;
      agent().signal(Part::kFront, SIGHUP);
      ASSERT_TRUE(load.awaitProgress(2, 20s));
      harness::Controller other;
      EXPECT_NO_THROW(other.connect(description("ci", agent().frontTlsPort()))
                          .awaitConnected(steady_clock::now() + 10s));
    }
    uint32_t reconnects = node().state().reconnects;
    evaluate("F22 " + std::to_string(times) + " new certificates", load, {}, hits, times / 2);
    EXPECT_EQ(reconnects, 0u) << "a connection was dropped";
    disconnect();
  });
}

// A change of the authority takes two steps: both are trusted first, and then the node gets its
// certificate from the new one.
TEST_F(TlsTest, AnotherAuthorityTakesOverWithoutLosingAConnection) {
  untilMet([&] {
    startTls();
    std::filesystem::remove_all(secrets_ + "/next");
    initPki("next");
    pki("node n1", "next");
    pki("client new --role operator", "next");
    Load load(connect(description("ci", agent().frontTlsPort())), loadOptions());
    auto reload = [&] {
      agent().signal(Part::kFront, SIGHUP);
      ASSERT_TRUE(load.awaitProgress(2, 20s));
    };
    std::string old = secrets_ + "/old.pem";
    std::filesystem::copy_file(file("authority.pem"), old);
    replace(file("authority.pem"), old + " " + file("authority.pem", "next"));
    reload();
    size_t hits = load.inFlight() > 0 ? 1 : 0;
    replace(file("nodes/n1.key"), file("nodes/n1.key", "next"));
    replace(file("nodes/n1.pem"), file("nodes/n1.pem", "next"));
    reload();
    auto next = description("ci", agent().frontTlsPort());
    next.route.tls = {file("authority.pem", "next"), file("clients/operator-new.pem", "next"),
                      file("clients/operator-new.key", "next")};
    harness::Controller other(controllerOptions);
    EXPECT_NO_THROW(other.connect(next).awaitConnected(steady_clock::now() + 10s));
    uint32_t reconnects = node().state().reconnects;
    evaluate("F22 another authority", load, {}, hits, 1);
    EXPECT_EQ(reconnects, 0u) << "a connection was dropped";
    disconnect();
    std::filesystem::remove(old);
  });
}

TEST_F(TlsTest, DeniedCertificateEndsItsSessionAndNoOther) {
  untilMet([&] {
    startTls();
    Load load(connect(description("ci", agent().frontTlsPort())), loadOptions());
    harness::Controller lost(controllerOptions);
    muster::Node denied =
        harness::ApiAccess::node(lost.connect(description("lost", agent().frontTlsPort())));
    EXPECT_TRUE(denied.run({"true"}, tagged()).succeeded());
    pki("revoke " + file("clients/operator-lost.pem"));
    auto before = steady_clock::now();
    agent().signal(Part::kFront, SIGHUP);
    EXPECT_NO_THROW(denied.awaitDisconnected(10s));
    std::printf("F22 a denied certificate's connection ended after %s\n",
                toText(steady_clock::now() - before).c_str());
    muster::DeadlineScope scope(10s);
    try {
      denied.run({"true"}, tagged());
      ADD_FAILURE() << "still let in";
    } catch (const NodeError& error) {
      EXPECT_EQ(error.kind(), NodeError::Kind::kRefused) << error.what();
    }
    ASSERT_TRUE(load.awaitProgress(3, 20s));
    uint32_t reconnects = node().state().reconnects;
    evaluate("F22 another's certificate denied", load, {}, 1, 1);
    EXPECT_EQ(reconnects, 0u) << "another connection was dropped";
    disconnect();
  });
}

}  // namespace
}  // namespace robustness
