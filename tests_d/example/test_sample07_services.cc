// Sample 7: control services and ask for facts, on nodes that run a real systemd.
#include <muster/muster.h>

using namespace muster;

class ServiceSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}, .init = NeedsInit::kSystemd}; }
};

TEST_F(ServiceSample, UnitStartsAndStops) {
  servers()[0]
      .file("/etc/systemd/system/napper.service")
      .write("[Service]\nExecStart=/bin/sleep infinity\n");
  Service napper = servers()[0].service("napper");
  EXPECT_TRUE(napper.start().running());
  EXPECT_EQ(napper.stop().state, ServiceStatus::State::kStopped);
}

TEST_F(ServiceSample, FactsTellWhatTheNodeIs) {
  Facts facts = servers()[0].facts();
  EXPECT_EQ(facts.hostname, servers()[0].name());
  EXPECT_EQ(facts.serviceManager, "systemd");
  EXPECT_GT(facts.memory.totalBytes, 0u);
}
