// Sample 15: work while faults strike, with a load that must be there before the first one.
//
//   example_tests --gtest_filter='NemesisSample.*' --nemesis=gentle --nemesis-duration=30s
#include <muster/muster.h>

using namespace muster;

class NemesisSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 3}, {"client", 1}}}; }
};

// Without --nemesis, the loop ends after its first round.
TEST_F(NemesisSample, ClientWorksUnderFaults) {
  Load writes("writes", {.floorPerSecond = 2});
  File file = clients()[0].file("/tmp/counter");
  do {
    std::string number = std::to_string(writes.count());
    file.write(number, {.undo = UndoAt::kTestEnd});
    ASSERT_EQ(file.read(), number);
    writes.did();
  } while (nemesisGoesOn());
}
