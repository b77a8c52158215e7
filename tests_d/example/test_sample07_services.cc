// Sample 7: control services, wait for what they offer, and ask for facts, on nodes that run a real
// systemd.
#include <muster/muster.h>

using namespace muster;
using namespace std::chrono_literals;

class ServiceSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}, .init = NeedsInit::kSystemd}; }

  // Installs a service that listens on port 7000 when it has thought for a moment.
  void SetUp() override {
    servers()[0]
        .file("/etc/systemd/system/napper.service")
        .write(
            "[Service]\nExecStart=/usr/bin/perl -MIO::Socket::INET -e 'sleep 1;"
            " IO::Socket::INET->new(LocalPort => 7000, Listen => 5) and sleep 1000'\n");
    servers()[0].output({"systemctl", "daemon-reload"});
  }
};

TEST_F(ServiceSample, UnitStartsAndStops) {
  Service napper = servers()[0].service("napper");
  EXPECT_TRUE(napper.start().running());
  servers()[0].waitFor(Condition::port(7000), 30s);
  EXPECT_EQ(napper.stop().state, ServiceStatus::State::kStopped);
  servers()[0].waitFor(Condition::port(7000).absent(), 30s);
}

TEST_F(ServiceSample, FailureComesWithItsLog) {
  servers()[0]
      .file("/etc/systemd/system/broken.service")
      .write("[Service]\nExecStart=/bin/sh -c 'echo no space left; exit 3'\n",
             {.undo = UndoAt::kTestEnd});
  servers()[0].output({"systemctl", "daemon-reload"});
  servers()[0].output({"systemctl", "start", "--no-block", "broken"});
  Service broken = servers()[0].service("broken");
  EXPECT_THAT([&] { return broken.status().state; },
              Eventually(ServiceStatus::State::kFailed, 30s));
  EXPECT_THAT([&] { broken.waitActive(30s); },
              FailsWith(NodeError::Kind::kSystem, testing::HasSubstr("no space left")));
  broken.resetFailed();
}

TEST_F(ServiceSample, FactsTellWhatTheNodeIs) {
  Facts facts = servers()[0].facts();
  EXPECT_EQ(facts.hostname, servers()[0].name());
  EXPECT_EQ(facts.serviceManager, "systemd");
  EXPECT_GT(facts.memory.totalBytes, 0u);
}
