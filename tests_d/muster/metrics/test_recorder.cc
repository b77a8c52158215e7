// Series of real nodes: what they tell, and what becomes of them when links, agents and controllers
// are gone.
#include <filesystem>
#include <iostream>

#include <muster/muster.h>

#include "tests_d/muster/support/shell.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using muster_tests::runShell;
using testing::AllOf;
using testing::Contains;
using testing::Ge;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class MetricRecorderTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  static Node& node() { return servers()[0]; }

  static size_t countOf(const MetricRecorder& recorder) {
    return recorder.series()[0].samples.size();
  }
  static void awaitSamples(const MetricRecorder& recorder, size_t count) {
    awaitThat([&] { return countOf(recorder); }, Ge(count), 30s, 100ms);
  }

  // Kills the agent's keeper, or its front, and waits until the test is connected again.
  static void killAgent(const std::string& role) {
    uint32_t before = node().state().reconnects;
    node().run({"pkill", "-KILL", "-f", "--", "--role=" + role});
    awaitThat([&] { return node().state().reconnects; }, Gt(before), 20s, 20ms);
  }
};

TEST_F(MetricRecorderTest, NodesAndProcessesTellTheirNumbers) {
  Daemon daemon(node(), {"sleep", "600"});
  MetricRecorder recorder(servers(), {.processes = {"sleep"}, .interval = 100ms});
  awaitSamples(recorder, 3);
  std::vector<MetricSeries> all = recorder.series();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].node, "server1");
  EXPECT_THAT(all[0].notes, IsEmpty());
  ASSERT_THAT(all[0].processes(), SizeIs(1));
  EXPECT_THAT(all[1].processes(), IsEmpty());
  const ProcessUsage& usage = all[0].processes()[0].points.back().usage;
  EXPECT_EQ(usage.name, "sleep");
  EXPECT_EQ(usage.threads, 1u);
  EXPECT_THAT(usage.descriptors.value_or(0), Ge(3u));
  EXPECT_THAT(usage.anonymousBytes.value_or(0), Gt(0u));
  EXPECT_TRUE(usage.readBytes.has_value());
  const NodeUsage& whole = all[0].samples.back().node;
  EXPECT_THAT(whole.processors.value_or(0), Ge(1));
  EXPECT_THAT(whole.memoryTotalBytes.value_or(0), Gt(whole.memoryAvailableBytes.value_or(0)));
  EXPECT_THAT(whole.networkReceivedBytes.value_or(0), Gt(0u));
}

TEST_F(MetricRecorderTest, TrafficOfTheNodeIsCounted) {
  MetricRecorder recorder(servers(), {.interval = 100ms});
  awaitSamples(recorder, 1);
  const char* const kSends =
      "use Socket; socket my $s, PF_INET, SOCK_DGRAM, 0 or die; "
      "my $to = sockaddr_in(9, inet_aton($ARGV[0])); send $s, 'x' x 1000, 0, $to for 1 .. 2000;";
  node().run({"perl", "-e", kSends, servers()[1].address()}).checked();
  awaitSamples(recorder, countOf(recorder) + 2);
  auto growthOf = [&](size_t i, std::optional<uint64_t> NodeUsage::*counter) {
    std::vector<MetricSample> samples = recorder.series()[i].samples;
    return (samples.back().node.*counter).value_or(0) - (samples.front().node.*counter).value_or(0);
  };
  EXPECT_THAT(growthOf(0, &NodeUsage::networkSentBytes), Ge(2'000'000u));
  EXPECT_THAT(growthOf(1, &NodeUsage::networkReceivedBytes), Ge(1'000'000u));
}

TEST_F(MetricRecorderTest, SeriesEndsWithItsRecorder) {
  MetricRecorder recorder({node()}, {.interval = 100ms});
  awaitSamples(recorder, 2);
  recorder.end();
  size_t count = countOf(recorder);
  EXPECT_THAT(count, Ge(2u));
  recorder.end();
  EXPECT_EQ(countOf(recorder), count);
}

TEST_F(MetricRecorderTest, LostConnectionLeavesNoGap) {
  MetricRecorder recorder({node()}, {.interval = 100ms});
  awaitSamples(recorder, 2);
  killAgent("front");
  awaitSamples(recorder, countOf(recorder) + 3);
  MetricSeries series = recorder.series()[0];
  EXPECT_THAT(series.notes, IsEmpty());
  for (size_t i = 1; i < series.samples.size(); ++i) {
    EXPECT_LT(series.samples[i].sinceBoot - series.samples[i - 1].sinceBoot, 5s);
    EXPECT_GT(series.samples[i].sinceBoot, series.samples[i - 1].sinceBoot);
  }
}

TEST_F(MetricRecorderTest, RecordingBeginsAnewAfterTheKeeper) {
  MetricRecorder recorder({node()}, {.interval = 100ms});
  awaitSamples(recorder, 2);
  killAgent("all");
  size_t before = countOf(recorder);
  awaitSamples(recorder, before + 3);
  EXPECT_THAT(recorder.series()[0].notes, Contains(HasSubstr("the recording began anew: ")));
}

TEST_F(MetricRecorderTest, WrongOptionsAreRefused) {
  for (const MetricOptions& wrong :
       {MetricOptions{.processes = {""}}, MetricOptions{.processes = {"a/b"}},
        MetricOptions{.interval = 0s}, MetricOptions{.interval = 2h}}) {
    EXPECT_THAT([&] { MetricRecorder recorder(servers(), wrong); },
                FailsWith(NodeError::Kind::kInvalid));
  }
}

TEST_F(MetricRecorderTest, NinthRecordingOfTheSessionIsRefused) {
  std::vector<MetricRecorder> some;
  for (int i = 0; i < 8; ++i) some.emplace_back(NodeSet({node()}));
  EXPECT_THAT([&] { MetricRecorder recorder({node()}); },
              FailsWith(NodeError::Kind::kOverloaded, HasSubstr("has 8 recordings")));
  some.pop_back();
  awaitThat(
      [&] {
        try {
          some.emplace_back(NodeSet({node()}));
          return true;
        } catch (const NodeError&) {
          return false;
        }
      },
      testing::IsTrue(), 10s, 50ms);
}

// Four controllers have every recording that the node allows, and are killed.
TEST_F(MetricRecorderTest, KilledControllersLeaveNoRecording) {
  std::string place = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  auto result = runShell(
      "cd " + place + "; export MUSTER_CLUSTER=" + cluster().name() + R"(; out=$(mktemp -d); pids=
       export MUSTER_RUN_DIR=$out
       for i in 1 2 3 4; do
         ./muster-test-metrics --gtest_filter=HoldTest.* > $out/$i 2>&1 & pids="$pids $!"
       done
       for i in 1 2 3 4; do
         n=0; while [ $n -lt 300 ] && ! grep -q 'it records' $out/$i; do n=$((n + 1)); sleep 0.1; done
       done
       ./muster metrics server1 --for 1s; echo status $?
       kill -KILL $pids
       ./muster-test-metrics --end-leftovers --gtest_filter=QuietTest.* > $out/5 2>&1
       rm -rf $out)",
      100s);
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("the node has 32 recordings already"), HasSubstr("status 69")));
  MetricRecorder recorder({node()});
  awaitSamples(recorder, 1);
}

// The cost is measured and shown, and only a gross excess fails.
TEST_F(MetricRecorderTest, RecordingCostsTheAgentLittle) {
  MetricRecorder recorder({node()}, {.processes = {"nodeagent"}, .interval = 1s});
  awaitSamples(recorder, 6);
  double share = 0;
  for (const ProcessSeries& process : recorder.series()[0].processes()) {
    share += process.cpuShare().value_or(0);
  }
  std::cerr << "the agent took " << share * 100 << " % of a processor while it recorded\n";
  EXPECT_LT(share, 1.0);
}

}  // namespace
