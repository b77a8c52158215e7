// A test program whose tests fail with something to look at on their node, which test_hold.cc
// holds.
#include <cstdlib>
#include <string>

#include <muster/muster.h>

namespace {

using namespace std::chrono_literals;

class Nodes : public muster::ClusterTest {};

TEST_F(Nodes, Fails) {
  muster::Process process = servers()[0].start({"sleep", "1000"});
  EXPECT_TRUE(false) << "look";
  EXPECT_EQ(std::string(process.running() ? "it runs" : "it has ended"), "");
}
// The second one is nobody's child.
TEST_F(Nodes, FailsBesideAnOrphan) {
  muster::Process process =
      servers()[0].start({"sh", "-c", "(setsid sleep 3000 &); exec sleep 1000"});
  EXPECT_THAT(servers()[0], muster::Eventually(muster::Runs({"pgrep", "-f", "sleep 3000"}), 5s));
  EXPECT_TRUE(false) << "look";
}
TEST_F(Nodes, Crashes) {
  muster::Process process = servers()[0].start({"sleep", "2000"});
  std::abort();
}
TEST_F(Nodes, RunsACommand) {
  EXPECT_THAT(servers()[0].run({"true"}), muster::Succeeded());
}

}  // namespace
