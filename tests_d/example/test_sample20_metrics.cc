// Sample 20: record what nodes and processes use, and let a process that leaks fail the test.
#include <muster/muster.h>

using namespace muster;

class MetricsSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

  // A kvd that takes more than 30 MiB, or 50 descriptors, in a test and does not stop leaks.
  static MetricRules metrics() {
    return {.interval = 100ms,
            .leaks = {{.process = "kvd", .descriptorsMax = 50, .warmUp = 500ms}}};
  }

  // Stands for the daemon.
  static Daemon startDaemon() {
    servers()[0].shell("mkdir -p /tmp/bin; ln -sf $(command -v sleep) /tmp/bin/kvd").checked();
    return Daemon(servers()[0], {"/tmp/bin/kvd", "600"});
  }
};

TEST_F(MetricsSample, DaemonDoesNotLeak) {
  Daemon daemon = startDaemon();
  EXPECT_THAT(servers().run({"sleep", "3"}), OnEachNode(Succeeded()));
}

TEST_F(MetricsSample, LooksAtWhatWasUsedItself) {
  Daemon daemon = startDaemon();
  MetricRecorder recorder(servers(), {.processes = {"kvd"}, .interval = 100ms});
  servers()[0].run({"dd", "if=/dev/zero", "of=/dev/null", "bs=1M", "count=2000"}).checked();
  MetricSeries series = recorder.series()[0];
  ASSERT_EQ(series.processes().size(), 1u);
  EXPECT_LT(series.processes()[0].peakAnonymousBytes(), 50u << 20);
  EXPECT_GT(cpuShare(series.samples.front(), series.samples.back()).value_or(1), 0);
}
