// Sample 22: name what happens only at times, so that a night of tests shows whether it ever did.
#include <muster/muster.h>

using namespace muster;
using namespace std::chrono_literals;

class ProbeSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
};

// The directory comes late, so that the first write fails as a rule. `muster probes` tells whether
// it ever did.
TEST_F(ProbeSample, WriteIsTriedAgain) {
  Node& server = servers()[0];
  Process late = server.start({"sh", "-c", "sleep 0.2; mkdir /tmp/shared"});
  int tries = 0;
  EXPECT_THAT(
      [&] {
        ++tries;
        return server.shell("touch /tmp/shared/file");
      },
      Eventually(Succeeded(), 10s));
  MUSTER_SOMETIMES(tries > 1, "a write is tried again");
}
