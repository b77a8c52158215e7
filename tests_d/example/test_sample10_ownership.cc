// Sample 10: what a test does on its nodes ends with the test, and what a suite does with the
// suite.
#include <muster/muster.h>

using namespace muster;

class OwnershipSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }

  // What is begun here ends with the suite.
  static void SetUpTestSuite() {
    EXPECT_THAT(servers()[0].shell("setsid sleep 1000 >/dev/null 2>&1 &"), Succeeded());
    servers()[0].file("/etc/kvd.conf").write("peers=3\n", {.undo = UndoAt::kTestEnd});
  }

  static std::string settings() { return servers()[0].file("/etc/kvd.conf").read(); }
};

TEST_F(OwnershipSample, ChangesAsItLikes) {
  servers()[0].file("/etc/kvd.conf").write("peers=5\n", {.undo = UndoAt::kTestEnd});
  EXPECT_THAT(servers()[0].shell("setsid sleep 2000 >/dev/null 2>&1 &"), Succeeded());
  EXPECT_EQ(settings(), "peers=5\n");
}

TEST_F(OwnershipSample, FindsNothingOfTheTestBefore) {
  EXPECT_EQ(settings(), "peers=3\n");
  EXPECT_THAT(servers()[0].run({"pgrep", "-fx", "sleep 1000"}), Succeeded());
  EXPECT_THAT(servers()[0].run({"pgrep", "-fx", "sleep 2000"}), ExitedWith(1));
}
