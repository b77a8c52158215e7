// F9: a share of the packets is lost in each direction.
//
// The kernel's packet filter drops them in a network namespace of the front.
#include "tests_d/muster/robustness/component.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

class LossTest : public FaultTest {};

// TCP repeats lost packets, so calls take longer, but no connection may be given up too early.
TEST_F(LossTest, LostPacketsOnlySlowCallsDown) {
  // The short heartbeats of other trials are no use here, because a lost packet is sent again after
  // 200 ms, and again after 400.
  controllerOptions.heartbeatEvery = 1s;
  controllerOptions.heartbeatMax = 3s;
  startAgent({.ownNetwork = true});
  connect("127.0.0.1:" + std::to_string(agent().frontPort()), agent().frontNetwork());
  LoadOptions options = loadOptions();
  options.callMax = 120s;
  Load load(controllerNode(), options);
  size_t calls = trials(8, 0.05);
  uint32_t before = 0;
  for (int percent : {1, 5, 10, 20, 30}) {
    losePackets(percent);
    auto began = steady_clock::now();
    ASSERT_TRUE(load.awaitProgress(calls, 60s + calls * 5s)) << percent << " % lost";
    uint32_t reconnects = node().state().reconnects;
    std::printf("F9 %d %% lost each way: %zu calls in %s, %u reconnects\n", percent, calls,
                toText(steady_clock::now() - began).c_str(), reconnects - before);
    // One reconnect a minute is allowed, and one for each level of loss.
    auto minutes = (steady_clock::now() - began) / 60s;
    EXPECT_LE(reconnects - before, percent <= 10 ? 1 + minutes : 1000) << percent << " % lost";
    before = reconnects;
  }
  losePackets(0);
  ASSERT_TRUE(load.awaitProgress(3, 60s));
  evaluate("F9 losses", load, {}, 5, 5);
}

}  // namespace
}  // namespace robustness
