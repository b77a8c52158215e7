// Each struct of options with one member, as in the examples of the documentation. A compiler with
// -Wextra warns of members that have no value then.
#include <muster/muster.h>

using namespace muster;
using namespace std::chrono_literals;

TEST(OptionsTest, OneMemberIsEnough) {
  RunOptions run{.deadline = 5s};
  EXPECT_EQ(run.deadline, 5s);
  EXPECT_EQ(RunOptions{.user = "nobody"}.user, "nobody");
  EXPECT_EQ(WriteOptions{.mode = 0600}.mode, 0600u);
  EXPECT_EQ(DaemonOptions{.stopWithin = 1s}.stopWithin, 1s);
  EXPECT_EQ(Needs{.init = NeedsInit::kSystemd}.init, NeedsInit::kSystemd);
  EXPECT_EQ(ByteFault{.first = 3}.first, 3u);
  FlowFaults flow{.delay = 1ms};
  EXPECT_EQ(ProxyFaults{.toClient = flow}.toClient.delay, 1ms);
  EXPECT_EQ(FaultOptions{.port = 7000}.port, 7000);
  EXPECT_EQ(Degradation{.delay = 1ms}.delay, 1ms);
  EXPECT_EQ(FaultProxyOptions{.target = "127.0.0.1:1"}.target, "127.0.0.1:1");
}

TEST(OptionsTest, AnswersAreMadeInTheSameWay) {
  EXPECT_EQ(Result{.out = "x"}.out, "x");
  EXPECT_EQ(Facts{.hostname = "a"}.hostname, "a");
  EXPECT_EQ(FileStat{.user = "root"}.user, "root");
  EXPECT_EQ(ServiceStatus{.substate = "dead"}.substate, "dead");
  EXPECT_EQ(Notification{.name = "ready"}.name, "ready");
  EXPECT_EQ(TransferResult{.digest = "d"}.digest, "d");
}
