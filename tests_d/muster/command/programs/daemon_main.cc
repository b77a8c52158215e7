// A test program whose fixture starts a daemon unless one runs, as those do that share a standing
// cluster. test_program_ends.cc ends it in every way.
#include <future>
#include <iostream>
#include <optional>

#include <muster/muster.h>

namespace {

class DaemonTest : public muster::ClusterTest {
 protected:
  void SetUp() override {
    muster::Node& server = servers()[0];
    if (server.run({"pgrep", "-fx", "sleep 1000"}).succeeded()) {
      std::cerr << "the daemon runs already\n";
    } else {
      daemon_.emplace(server.start({"sleep", "1000"}));
      std::cerr << "the daemon was started\n";
    }
  }

  std::optional<muster::Process> daemon_;
};

TEST_F(DaemonTest, Looks) {}

// The mount is in the node's own namespace, so it goes with the node.
TEST_F(DaemonTest, LeavesAMount) {
  EXPECT_THAT(servers()[0].run({"mount", "-t", "tmpfs", "left", "/mnt"}), muster::Succeeded());
}

TEST_F(DaemonTest, Waits) {
  servers()[0].run({"sleep", "2000"});
}

// The test itself waits for what never comes, which no signal interrupts.
TEST_F(DaemonTest, Hangs) {
  muster::Process process = servers()[0].start({"sleep", "2000"});
  std::promise<void>().get_future().wait();
}

}  // namespace
