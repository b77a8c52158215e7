#include "harness/report/perfetto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/perfetto_trace_testing.h"
#include "harness/report/perfetto_track.h"
#include "harness/report/proto_writer.h"
#include "harness/report/sample_runs_testing.h"

namespace harness::report {
namespace {

using run::Json;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ProtoWriterTest, NumbersHaveSevenBitsAByte) {
  EXPECT_EQ(ProtoWriter().number(1, 150).message(), "\x08\x96\x01");
  EXPECT_EQ(ProtoWriter().number(1, 0).message(), std::string("\x08\x00", 2));
  EXPECT_EQ(ProtoWriter().bytes(2, "testing").message(), "\x12\x07testing");
  EXPECT_EQ(DecodedMessage(ProtoWriter().number(60, UINT64_MAX).message()).number(60), UINT64_MAX);
}

TEST(TraceWriterTest, OverlappingSlicesGetTracksOfTheSameName) {
  TraceWriter writer;
  uint64_t track = writer.addTrack("commands");
  writer.addSlices(track, {{5, 9, "b", "x"}, {1, 6, "a", "x"}, {6, 7, "c", "x"}},
                   Overlap::kByChance);
  DecodedTrace trace(writer.take());
  EXPECT_EQ(trace.find("a")->lane, trace.find("c")->lane);
  EXPECT_NE(trace.find("a")->lane, trace.find("b")->lane);
  EXPECT_EQ(trace.find("b")->track, "commands");
  EXPECT_EQ(trace.find("b")->end, 9u);
}

TEST(TraceWriterTest, SlicesNestWhereTheyArePartsOfEachOther) {
  TraceWriter writer;
  writer.addSlices(writer.addTrack("tests"),
                   {{1, 9, "test", "x"}, {2, 4, "step", "x"}, {4, 9, "last", "x"}},
                   Overlap::kNests);
  DecodedTrace trace(writer.take());
  for (const char* name : {"step", "last"}) EXPECT_EQ(trace.find(name)->lane, 1u);
  EXPECT_EQ(trace.find("test")->end, 9u);
  EXPECT_EQ(trace.find("last")->end, 9u);
}

class PerfettoTest : public ReportTest {
 protected:
  // A run with two nodes, on which a command, a fault and a wait overlap.
  std::string bytes() {
    SampleRun run(runs_, "r");
    run::RecordWriter& program = run.program();
    std::string node = program.begin("node", "", {{"node", "server1"}});
    program.add(node, "clock", {{"offset", 5'000'000'000}, {"error", 1000}});
    program.add(node, "lost", {{"because", "no answer"}});
    std::string test = run.begin("Heals");
    std::string step = program.begin("step", test, {{"text", "cut the link"}});
    std::string command =
        program.begin("command", step, {{"node", "server1"}, {"argv", {"kvctl", "status"}}});
    std::string fault =
        program.begin("fault", test, {{"nodes", {"server1", "client1"}}, {"text", "partition"}});
    program.end(command, {{"exit", 3}});
    program.end(step);
    program.begin("wait", test, {{"node", "client1"}, {"text", "stale"}});
    std::string log = program.begin("log", test, {{"node", "server1"}, {"source", "kvd"}});
    program.add(log, "line", {{"text", "placed"}, {"wall", 1'700'000'000'000'000'000}});
    program.add(log, "line", {{"text", "unplaced"}});
    program.end(log);
    program.end(fault, {{"error", "gone"}});
    program.add(test, "failure", {{"text", kHostile}});
    program.end(test, {{"outcome", "failed"}});
    run.close();
    return write("perfetto", runs_.merged({"r"}));
  }
};

TEST_F(PerfettoTest, NodesHaveTracksOfWhatHappenedOnThem) {
  DecodedTrace trace(bytes());
  EXPECT_EQ(trace.find("KvTest.Heals")->track, "run r/tests/kvd_tests-1");
  EXPECT_EQ(trace.find("cut the link")->track, "run r/tests/kvd_tests-1");
  EXPECT_EQ(trace.find("kvctl status")->track, "run r/node server1/commands");
  EXPECT_EQ(trace.find("stale")->track, "run r/node client1/waits");
  EXPECT_EQ(trace.find("lost")->track, "run r/node server1/connection");
  std::vector<std::string> faults;
  for (const auto& event : trace.events) {
    if (event.name == "partition") faults.push_back(event.track);
  }
  EXPECT_THAT(faults, ElementsAre("run r/faults", "run r/node server1/faults",
                                  "run r/node client1/faults"));
}

TEST_F(PerfettoTest, SlicesHaveOutcomesAndTimes) {
  DecodedTrace trace(bytes());
  const DecodedTrace::Event* test = trace.find("KvTest.Heals");
  EXPECT_EQ(test->annotations.at("outcome"), "failed");
  EXPECT_THAT(test->annotations.at("failure"), HasSubstr("\\xff\\xfe \\x1b[31mred"));
  const DecodedTrace::Event* command = trace.find("kvctl status");
  EXPECT_EQ(command->annotations.at("exit"), "3");
  EXPECT_GE(command->begin, test->begin);
  EXPECT_LE(command->end, test->end);
  EXPECT_EQ(trace.find("stale")->annotations.at("aborted"), "the program was ended by signal 11");
}

TEST_F(PerfettoTest, ClockOfANodeIsToldBySnapshots) {
  DecodedTrace trace(bytes());
  ASSERT_EQ(trace.clocks.size(), 2u);
  auto& first = trace.clocks[0];
  auto& node = trace.clocks[1];
  EXPECT_EQ(node[kClockOfNodes] - node[kClockRealtime], 5'000'000'000u);
  EXPECT_EQ(node[kClockBoottime] - first[kClockBoottime],
            node[kClockRealtime] - first[kClockRealtime]);
  EXPECT_EQ(trace.find("placed")->clock, kClockOfNodes);
  EXPECT_EQ(trace.find("placed")->begin, 1'700'000'000'000'000'000u);
  EXPECT_EQ(trace.find("unplaced")->clock, kClockBoottime);
  EXPECT_EQ(trace.find("unplaced")->track, "run r/node server1/log kvd");
}

TEST_F(PerfettoTest, ClocksOfSeveralRunsAreInTheOrderOfTime) {
  for (const char* id : {"one", "two"}) {
    SampleRun run(runs_, id);
    std::string node = run.program().begin("node", "", {{"node", "server1"}});
    run.program().add(node, "clock", {{"offset", 7}, {"error", 1}});
    run.close();
  }
  DecodedTrace trace(write("perfetto", runs_.merged({"two", "one"})));
  ASSERT_EQ(trace.clocks.size(), 3u);
  for (size_t i = 1; i < trace.clocks.size(); ++i) {
    EXPECT_GE(trace.clocks[i][kClockBoottime], trace.clocks[i - 1][kClockBoottime]);
  }
  EXPECT_EQ(trace.clocks[1].count(kClockOfNodes + 1), 1u);
  EXPECT_EQ(trace.clocks[2].count(kClockOfNodes), 1u);
}

TEST_F(PerfettoTest, EveryRecordGivesATrace) {
  EXPECT_NE(DecodedTrace(write("perfetto", everything())).find("KvTest.Crashes"), nullptr);
  EXPECT_NE(DecodedTrace(write("perfetto", cut())).find("KvTest.WasRunning"), nullptr);
  EXPECT_TRUE(DecodedTrace(write("perfetto", empty())).events.empty());
}

TEST_F(PerfettoTest, ForeignDecoderReadsIt) {
  if (!execute({"protoc", "--version"}).succeeded()) GTEST_SKIP() << "protoc is not installed";
  std::string path = fileOf("trace.pftrace", bytes());
  CommandResult decoded = execute({"sh", "-c", "exec protoc --decode_raw < " + path});
  EXPECT_TRUE(decoded.succeeded()) << decoded.errors;
  EXPECT_THAT(decoded.output, HasSubstr("23: \"kvctl status\""));
}

}  // namespace
}  // namespace harness::report
