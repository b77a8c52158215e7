// Judges processes of series by the rules of a suite, and refuses wrong rules.
#include "harness/metrics/leaks.h"

#include <gmock/gmock.h>

#include "harness/metrics/rules.h"
#include "harness/metrics/series_text.h"

namespace harness::metrics {
namespace {

using namespace std::chrono_literals;
using muster::MetricRules;
using muster::MetricSample;
using muster::MetricSeries;
using muster::ProcessUsage;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr uint64_t kMiB = 1 << 20;

ProcessUsage usageOf(int pid, const std::string& name, uint64_t memory, uint64_t descriptors = 10,
                     uint64_t threads = 1) {
  ProcessUsage usage;
  usage.pid = pid;
  usage.startTicks = 100;
  usage.name = name;
  usage.cpu = 1s;
  usage.anonymousBytes = memory;
  usage.descriptors = descriptors;
  usage.threads = threads;
  return usage;
}

// A sample a second, with the processes of that second.
template <typename Processes>
MetricSeries seriesOf(int count, Processes processes) {
  MetricSeries series;
  series.node = "server1";
  for (int i = 0; i < count; ++i) {
    MetricSample sample;
    sample.sinceBoot = std::chrono::seconds(1000 + i);
    sample.processes = processes(static_cast<uint64_t>(i));
    series.samples.push_back(sample);
  }
  return series;
}

const MetricRules kRules{.leaks = {{.process = "kvd", .descriptorsMax = 50, .threadsMax = 20}}};

TEST(LeaksTest, LeakIsToldWithNodePidValuesAndFile) {
  MetricSeries series = seriesOf(60, [](uint64_t i) {
    return std::vector<ProcessUsage>{usageOf(7, "kvd", 10 * kMiB * i),
                                     usageOf(8, "kvctl", 10 * kMiB * i),
                                     usageOf(9, "kvd", 20 * kMiB)};
  });
  LeakVerdict verdict = judgeLeaks(kRules, series, "/run/server1.jsonl");
  ASSERT_THAT(verdict.leaks, SizeIs(1));
  EXPECT_EQ(
      verdict.leaks[0],
      "node server1: process kvd (pid 7) leaks: anonymous memory grew from 50.0 MiB to "
      "590 MiB in 54.0 s, by 490 MiB at the floor and 10.0 MiB a second; at most 30.0 MiB are "
      "allowed\n  series: /run/server1.jsonl");
  EXPECT_THAT(verdict.unjudged, IsEmpty());
}

TEST(LeaksTest, DescriptorsAndThreadsLeakToo) {
  MetricSeries series = seriesOf(60, [](uint64_t i) {
    return std::vector<ProcessUsage>{usageOf(7, "kvd", kMiB, 10 + 2 * i, 1 + i)};
  });
  EXPECT_THAT(judgeLeaks(kRules, series, "f").leaks,
              ElementsAre(AllOf(HasSubstr("open descriptors grew from 20 to 128"),
                                HasSubstr("at most 50 are allowed")),
                          AllOf(HasSubstr("threads grew from 6 to 60"), HasSubstr("1 a second"))));
}

TEST(LeaksTest, AbsentLimitIsNotJudged) {
  MetricSeries series = seriesOf(60, [](uint64_t i) {
    return std::vector<ProcessUsage>{usageOf(7, "kvd", 10 * kMiB * i, 10 + 2 * i, 1 + i)};
  });
  MetricRules rules{.leaks = {{.process = "kvd", .memoryBytesMax = {}, .threadsMax = 1000}}};
  EXPECT_THAT(judgeLeaks(rules, series, "f").leaks, IsEmpty());
}

TEST(LeaksTest, TooShortSeriesAndMissingProcessesAreNamed) {
  MetricRules rules{.leaks = {{.process = "kvd"}, {.process = "none"}}};
  MetricSeries series = seriesOf(
      12, [](uint64_t i) { return std::vector<ProcessUsage>{usageOf(7, "kvd", 10 * kMiB * i)}; });
  LeakVerdict verdict = judgeLeaks(rules, series, "f");
  EXPECT_THAT(verdict.leaks, IsEmpty());
  EXPECT_THAT(
      verdict.unjudged,
      ElementsAre("node server1: 1 of 1 processes kvd were not judged: pid 7 has 7 samples "
                  "of anonymous memory behind the warm-up of 5.00 s, at least 20 are needed",
                  "node server1: no process none appeared"));
}

// The second process of a pid is another, whose memory begins anew.
TEST(LeaksTest, RestartIsNoGrowth) {
  MetricSeries series = seriesOf(80, [](uint64_t i) {
    ProcessUsage usage = usageOf(7, "kvd", i < 40 ? 10 * kMiB : 500 * kMiB);
    usage.startTicks = i < 40 ? 100 : 200;
    return std::vector<ProcessUsage>{usage};
  });
  EXPECT_THAT(series.processes(), SizeIs(2));
  EXPECT_THAT(judgeLeaks(kRules, series, "f").leaks, IsEmpty());
}

TEST(LeaksTest, RuleIsForItsNodes) {
  MetricRules rules{.leaks = {{.process = "kvd", .nodes = "client*"}}};
  MetricSeries series = seriesOf(
      60, [](uint64_t i) { return std::vector<ProcessUsage>{usageOf(7, "kvd", 10 * kMiB * i)}; });
  EXPECT_THAT(judgeLeaks(rules, series, "f").leaks, IsEmpty());
  EXPECT_THAT(judgeLeaks(rules, series, "f").unjudged, IsEmpty());
  series.node = "client1";
  EXPECT_THAT(judgeLeaks(rules, series, "f").leaks, SizeIs(1));
}

TEST(LeaksTest, WrongRulesAreRefused) {
  EXPECT_EQ(rulesProblem(kRules), "");
  EXPECT_EQ(rulesProblem({}), "");
  auto problemOf = [](const muster::LeakRule& rule) { return rulesProblem({.leaks = {rule}}); };
  EXPECT_THAT(problemOf({}), HasSubstr("leaks[0]: process \"\": is empty"));
  EXPECT_THAT(problemOf({.process = "/usr/sbin/kvd"}), HasSubstr("has a slash"));
  EXPECT_THAT(problemOf({.process = "a\nb"}), HasSubstr("has a control character"));
  EXPECT_THAT(problemOf({.process = std::string(256, 'x')}), HasSubstr("more than 255 bytes"));
  EXPECT_THAT(problemOf({.process = "kvd", .memoryBytesMax = {}}), HasSubstr("there is no limit"));
  EXPECT_THAT(problemOf({.process = "kvd", .nodes = ""}), HasSubstr("nodes: is empty"));
  EXPECT_THAT(problemOf({.process = "kvd", .warmUp = -1s}), HasSubstr("warmUp: "));
  EXPECT_THAT(problemOf({.process = "kvd", .warmUp = 2h}), HasSubstr("warmUp: "));
  EXPECT_THAT(rulesProblem({.interval = 0s}), HasSubstr("interval: 0.0 us is not between"));
  EXPECT_THAT(rulesProblem({.interval = 61min}), HasSubstr("interval: "));
  EXPECT_THAT(rulesProblem({.processes = {"kvd", "a/b"}}), HasSubstr("processes[1]: \"a/b\": "));
  std::vector<std::string> many;
  for (int i = 0; i < 65; ++i) many.push_back("p" + std::to_string(i));
  EXPECT_THAT(rulesProblem({.processes = many}), HasSubstr("there are 65 names"));
}

TEST(LeaksTest, EachNameIsRecordedOnce) {
  EXPECT_THAT(
      namesOf({.processes = {"a", "b", "a"}, .leaks = {{.process = "b"}, {.process = "c"}}}),
      ElementsAre("a", "b", "c"));
}

TEST(SeriesTextTest, SampleIsALineOfJson) {
  MetricSeries series =
      seriesOf(1, [](uint64_t) { return std::vector<ProcessUsage>{usageOf(7, "a \xff\n", kMiB)}; });
  series.samples[0].node.memoryAvailableBytes = 5;
  series.samples[0].processesLeftOut = 3;
  series.notes = {"something is missing"};
  EXPECT_EQ(jsonLines(series),
            "{\"node\":\"server1\",\"at\":\"1970-01-01T00:00:00.000Z\",\"since_boot_s\":1000.0,"
            "\"memory_available_bytes\":5,\"processes\":[{\"pid\":7,\"start_ticks\":100,\"name\":"
            "\"a \xef\xbf\xbd\\n\",\"cpu_s\":1.0,\"anonymous_bytes\":1048576,\"threads\":1,"
            "\"descriptors\":10}],\"processes_left_out\":3}\n"
            "{\"node\":\"server1\",\"notes\":[\"something is missing\"]}\n");
}

TEST(SeriesTextTest, TableHasALineForEachProcess) {
  MetricSeries series = seriesOf(10, [](uint64_t i) {
    return std::vector<ProcessUsage>{usageOf(7, "kvd", (i == 5 ? 300 : 10 + i) * kMiB)};
  });
  std::string text = summaryTable({series}, 40);
  EXPECT_THAT(
      text, AllOf(HasSubstr("server1  7    kvd      10"),
                  HasSubstr("10.0 MiB -> 19.0 MiB, peak 300 MiB"), HasSubstr("10 -> 10, peak 10")));
  EXPECT_THAT(summaryTable({series}, 1),
              AllOf(HasSubstr("and 1 more lines"), Not(HasSubstr("kvd"))));
}

TEST(SeriesTextTest, BytesHaveThreeDigits) {
  EXPECT_EQ(bytesText(0), "0 B");
  EXPECT_EQ(bytesText(999), "999 B");
  EXPECT_EQ(bytesText(1536), "1.50 KiB");
  EXPECT_EQ(bytesText(-1024.0 * 1024 * 12), "-12.0 MiB");
  EXPECT_EQ(bytesText(1024.0 * 1024 * 1024 * 300), "300 GiB");
}

TEST(MetricSeriesTest, SharesAndRatesAreOfTwoSamples) {
  MetricSample before;
  MetricSample after;
  EXPECT_FALSE(muster::cpuShare(before, after).has_value());
  before.node.busy = 10s;
  before.node.idle = 20s;
  after.node.busy = 11s;
  after.node.idle = 23s;
  EXPECT_DOUBLE_EQ(muster::cpuShare(before, after).value_or(-1), 0.25);
  EXPECT_FALSE(muster::cpuShare(after, before).has_value());
  EXPECT_DOUBLE_EQ(muster::ratePerSecond(100, 300, 2s).value_or(-1), 100);
  EXPECT_FALSE(muster::ratePerSecond(300, 100, 2s).has_value());
  EXPECT_FALSE(muster::ratePerSecond(100, 300, 0s).has_value());
  EXPECT_FALSE(muster::ratePerSecond(100, {}, 1s).has_value());
}

}  // namespace
}  // namespace harness::metrics
