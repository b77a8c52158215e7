#include "harness/report/html.h"

#include <ctime>
#include <string>

#include <gtest/gtest.h>

#include "harness/os/error.h"
#include "harness/report/html_blocks.h"
#include "harness/report/html_items.h"
#include "harness/report/html_testing.h"
#include "harness/run/record_writer.h"

namespace harness::report {
namespace {

using run::RecordWriter;

// A run of one program with one test, whose records a test adds.
class HtmlTest : public testing::Test {
 protected:
  HtmlTest()
      : writer_(directory_ / "records/kv_tests-1.jsonl", {{"role", "program"}, {"run", "run-1"}}),
        program_(writer_.begin("program", "", {{"component", "kv"}})),
        test_(writer_.begin("test", program_,
                            {{"suite", "KvTest"}, {"name", "Heals"}, {"component", "kv"}})) {}

  ReadReport report(const std::string& outcome, const HtmlOptions& options = {}) {
    writer_.end(test_, {{"outcome", outcome}});
    writer_.end(program_, {{"outcome", "passed"}});
    writer_.close("");
    run::RunRecord run = run::readRun(directory_.path());
    writeHtml(mergeRuns({run}), options, directory_ / "report.html");
    return ReadReport(readFile(directory_ / "report.html"));
  }

  // The items of the one test.
  static Json itemsOf(const ReadReport& report) {
    return report.test(0)["attempts"][0]["trees"][0];
  }

  // The tracks of the timeline, as "group lane".
  static std::vector<std::string> tracksOf(const ReadReport& report) {
    std::vector<std::string> tracks;
    Json timeline = report.timeline();
    for (const Json& track : timeline["tracks"]) {
      tracks.push_back(std::to_string(track["group"].get<int>()) + " " +
                       track["lane"].get<std::string>());
    }
    return tracks;
  }

  ScratchDirectory directory_;
  RecordWriter writer_;
  std::string program_;
  std::string test_;
};

TEST(HtmlBlocksTest, TextThatIsLongerThanABlockGoesOnInTheNext) {
  HtmlBlocks blocks("b");
  blocks.add("before");
  std::string bytes(HtmlBlocks::kBlockBytesMax + 100, 'x');
  bytes.back() = 'y';
  Extent extent = blocks.add(bytes);
  std::string html = "data-index-bytes=\"2\"";
  HtmlBlocks index("i");
  index.add("{}");
  index.appendTo(html);
  blocks.appendTo(html);
  EXPECT_EQ(ReadReport(html).bytesOf("b", toJson(extent)), bytes);
}

TEST(HtmlBlocksTest, BlockHasAtMostFourMebibytesOfText) {
  std::string bytes;
  uint32_t random = 7;
  for (int i = 0; i < 7'000'000; ++i)
    bytes += static_cast<char>((random = random * 1664525u + 1013904223u) >> 24);
  HtmlBlocks blocks("b");
  blocks.add(bytes);
  std::string html;
  blocks.appendTo(html);
  size_t longest = 0;
  for (size_t at = 0, next; (next = html.find('\n', at)) != std::string::npos; at = next + 1) {
    longest = std::max(longest, next - at);
  }
  EXPECT_LE(longest, size_t{4} << 20);
  EXPECT_GT(longest, size_t{3} << 20);
}

TEST_F(HtmlTest, TestHasItsOutcomeAndItsError) {
  writer_.add(test_, "failure", {{"text", "Expected:\n  1\n  2"}, {"file", "kv.cc"}, {"line", 7}});
  ReadReport read = report("failed");
  EXPECT_EQ(read.textOf("name", 0), "Heals");
  EXPECT_EQ(read.textOf("error", 0), "Expected: 1 2");
  EXPECT_EQ(read.index()["columns"]["outcome"][0], static_cast<int>(run::Outcome::kFailed));
  EXPECT_EQ(read.test(0)["attempts"][0]["failure"][0]["text"], "Expected:\n  1\n  2");
}

TEST_F(HtmlTest, TestShowsWhatExoneratesIt) {
  std::string run = writer_.begin("run", "");
  writer_.add(run, "exonerated",
              {{"test", "kv/KvTest.Heals"}, {"kind", "flaky"}, {"because", "it passed again"}});
  writer_.end(run);
  ReadReport read = report("failed");
  EXPECT_EQ(read.test(0)["exonerated"][0]["because"], "it passed again");
  EXPECT_EQ(read.index()["columns"]["outcome"][0], static_cast<int>(run::Outcome::kFlaky));
}

TEST_F(HtmlTest, TextOfARecordCannotEndAScript) {
  writer_.add(test_, "failure", {{"text", "</script><script>alert(1)</script>"}});
  ReadReport read = report("failed");
  EXPECT_EQ(read.html().find("alert(1)"), std::string::npos);
  EXPECT_EQ(read.textOf("error", 0), "</script><script>alert(1)</script>");
}

TEST_F(HtmlTest, ReportNamesNoAddressOfTheNetwork) {
  std::string html = report("passed").html();
  // The name of SVG is no address: nothing is fetched from it.
  size_t names = 0;
  for (size_t at = 0; (at = html.find("http", at)) != std::string::npos; ++at) {
    bool isName = html.compare(at, 26, "http://www.w3.org/2000/svg") == 0;
    names += isName || html.compare(at, 10, "http-equiv") == 0 ? 0 : 1;
  }
  EXPECT_EQ(names, 0u);
}

TEST_F(HtmlTest, FailureShowsTheLinesOfItsSource) {
  directory_.write("source/kv.cc", "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n");
  writer_.add(test_, "failure", {{"text", "no"}, {"file", "kv.cc"}, {"line", 7}});
  ReadReport read = report("failed", {.sourceDirectories = {directory_ / "source"}});
  Json source = read.test(0)["attempts"][0]["failure"][0]["source"];
  EXPECT_EQ(source["first"], 3);
  EXPECT_EQ(source["lines"].back(), "eight");
}

TEST_F(HtmlTest, SourceIsFoundFromADirectoryOfBuilds) {
  directory_.write("tree/tests_d/kv/kv.cc", "one\ntwo\n");
  directory_.write("tree/build/dev/x", "");
  writer_.add(test_, "failure", {{"text", "no"}, {"file", "tests_d/kv/kv.cc"}, {"line", 2}});
  ReadReport read = report("failed", {.sourceDirectories = {directory_ / "tree/build/dev"}});
  EXPECT_EQ(read.test(0)["attempts"][0]["failure"][0]["source"]["lines"].back(), "two");
}

TEST_F(HtmlTest, SourceOfATreeThatWasMovedIsFoundByTheEndOfItsPath) {
  directory_.write("new/tests_d/kv/kv.cc", "one\ntwo\n");
  directory_.write("new/kv.cc", "another\nfile\n");
  writer_.add(test_, "failure",
              {{"text", "no"}, {"file", "/home/ada/old/tests_d/kv/kv.cc"}, {"line", 2}});
  writer_.add(test_, "failure", {{"text", "no"}, {"file", "/home/ada/old/x/kv.cc"}, {"line", 2}});
  ReadReport read = report("failed", {.sourceDirectories = {directory_ / "new"}});
  Json failures = read.test(0)["attempts"][0]["failure"];
  EXPECT_EQ(failures[0]["source"]["lines"].back(), "two");
  EXPECT_EQ(failures[0]["source"]["found"], directory_ / "new/tests_d/kv/kv.cc");
  // A name alone would be that of another file.
  EXPECT_FALSE(failures[1].contains("source"));
}

TEST_F(HtmlTest, SourceIsFoundWhereTheRunWasStarted) {
  directory_.write("tree/tests_d/kv/kv.cc", "one\ntwo\n");
  std::string run = writer_.begin("run", "", {{"directory", directory_ / "tree/build"}});
  writer_.add(test_, "failure", {{"text", "no"}, {"file", "tests_d/kv/kv.cc"}, {"line", 2}});
  writer_.end(run);
  ReadReport read = report("failed");
  EXPECT_EQ(read.test(0)["attempts"][0]["failure"][0]["source"]["lines"].back(), "two");
}

TEST_F(HtmlTest, SourceIsFoundFromTheProgramOfTheRun) {
  directory_.write("tree/tests_d/kv/kv.cc", "one\ntwo\n");
  std::string other =
      writer_.begin("program", "", {{"argv", {directory_ / "tree/build/dev/bin/kv_tests"}}});
  writer_.end(other);
  writer_.add(test_, "failure", {{"text", "no"}, {"file", "tests_d/kv/kv.cc"}, {"line", 2}});
  ReadReport read = report("failed");
  EXPECT_EQ(read.test(0)["attempts"][0]["failure"][0]["source"]["lines"].back(), "two");
}

TEST_F(HtmlTest, SourceThatIsNotThereHasNoLines) {
  writer_.add(test_, "failure", {{"text", "no"}, {"file", "/nonexistent/kv.cc"}, {"line", 7}});
  EXPECT_FALSE(report("failed").test(0)["attempts"][0]["failure"][0].contains("source"));
}

TEST_F(HtmlTest, CommandKeepsItsStreams) {
  std::string command =
      writer_.begin("command", test_, {{"node", "n1"}, {"argv", {"echo", "a b"}}});
  writer_.end(command, {{"exit", 3}, {"out", "a b\n"}, {"err", "no\n"}});
  Json item = itemsOf(report("passed"))[0];
  EXPECT_EQ(item["t"], "echo 'a b'");
  EXPECT_EQ(item["f"]["out"], "a b\n");
  EXPECT_EQ(item["f"]["err"], "no\n");
  EXPECT_EQ(item["s"], static_cast<int>(SliceState::kNonZero));
}

TEST_F(HtmlTest, LongTextIsCutWithACount) {
  std::string command = writer_.begin("command", test_, {{"argv", {"cat"}}});
  writer_.end(command, {{"exit", 0}, {"out", std::string(kHtmlTextBytesMax + 10, 'x')}});
  ReadReport read = report("passed");
  EXPECT_EQ(itemsOf(read)[0]["f"]["cut"]["out"], 10);
  EXPECT_EQ(read.run()["textBytesCut"], 10);
}

TEST_F(HtmlTest, ItemsStandBelowTheOneThatTheyBelongTo) {
  std::string step = writer_.begin("step", test_, {{"text", "start"}});
  writer_.end(writer_.begin("wait", step, {{"text", "until ready"}}));
  writer_.end(step, {{"outcome", "passed"}});
  Json items = itemsOf(report("passed"));
  EXPECT_EQ(items[0]["p"], -1);
  EXPECT_EQ(items[1]["p"], 0);
}

TEST_F(HtmlTest, ItemOfNoNodeHasALane) {
  writer_.end(writer_.begin("wait", test_, {{"text", "until Tuesday"}}));
  writer_.end(writer_.begin("wait", test_, {{"text", "until ready"}, {"node", "n1"}}));
  std::vector<std::string> tracks = tracksOf(report("passed"));
  EXPECT_EQ(std::count(tracks.begin(), tracks.end(), "-3 waits"), 1);
  EXPECT_EQ(std::count(tracks.begin(), tracks.end(), "0 waits"), 1);
}

TEST_F(HtmlTest, FaultTouchesItsNodes) {
  writer_.end(writer_.begin("fault", test_, {{"nodes", {"n1", "n2"}}, {"text", "partition"}}));
  Json fault = report("passed").timeline()["faults"][0];
  EXPECT_EQ(fault["nodes"], Json::array({0, 1}));
  EXPECT_EQ(fault["test"], 0);
}

TEST_F(HtmlTest, IntervalsThatOverlapHaveRowsOfTheirOwn) {
  std::string first = writer_.begin("command", test_, {{"node", "n1"}, {"argv", {"one"}}});
  std::string second = writer_.begin("command", test_, {{"node", "n1"}, {"argv", {"two"}}});
  writer_.end(first);
  writer_.end(second);
  std::vector<std::string> tracks = tracksOf(report("passed"));
  EXPECT_EQ(std::count(tracks.begin(), tracks.end(), "0 commands"), 2);
}

TEST_F(HtmlTest, LineOfALogIsAtTheTimeOfOurClock) {
  std::string node = writer_.begin("node", program_, {{"node", "n1"}});
  writer_.add(node, "clock", {{"offset", 5'000}, {"error", 10}});
  std::string log = writer_.begin("log", test_, {{"node", "n1"}, {"source", "/var/log/kv.log"}});
  int64_t wall = run::readRun(directory_.path()).wall;
  writer_.add(log, "line", {{"text", "hello"}, {"wall", wall + 25'000}});
  writer_.add(log, "line", {{"text", "without a time"}});
  writer_.end(log);
  ReadReport read = report("passed");
  EXPECT_EQ(itemsOf(read)[0]["l"]["lines"][0][0], 20'000);
  EXPECT_TRUE(itemsOf(read)[0]["l"]["lines"][1][0].is_null());
  EXPECT_EQ(read.run()["linesWithoutTime"], 1);
}

TEST_F(HtmlTest, LineWithoutAZoneIsReadAsTheNodesTimeOrElseAsUtc) {
  constexpr int64_t kHour = 3'600'000'000'000;
  writer_.begin("node", program_, {{"node", "n1"}, {"utcOffset", 2 * kHour}});
  writer_.begin("node", program_, {{"node", "n2"}});
  // In whole seconds, as lines have them.
  int64_t begin = run::readRun(directory_.path()).wall;
  int64_t wall = begin / 1'000'000'000 * 1'000'000'000;
  auto lineAt = [&](const std::string& node, int64_t ahead) {
    std::time_t time = (wall + ahead) / 1'000'000'000;
    char text[64];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S ready", std::gmtime(&time));
    std::string log = writer_.begin("log", test_, {{"node", node}, {"source", "kv.log"}});
    writer_.add(log, "line", {{"text", text}});
    writer_.end(log);
  };
  lineAt("n1", 2 * kHour);
  lineAt("n2", 0);
  // Its program has another zone than its node.
  lineAt("n2", 2 * kHour);
  ReadReport read = report("passed");
  Json at = itemsOf(read)[0]["l"]["lines"][0][0];
  EXPECT_EQ(at, wall - begin);
  EXPECT_EQ(itemsOf(read)[1]["l"]["lines"][0][0], at);
  EXPECT_TRUE(itemsOf(read)[2]["l"]["lines"][0][0].is_null());
  EXPECT_EQ(read.run()["linesWithoutZone"], 2);
  EXPECT_EQ(read.run()["linesWithoutTime"], 1);
}

// Artifacts.

TEST_F(HtmlTest, SmallArtifactIsPartOfTheReport) {
  directory_.write("kv/small.txt", "small");
  writer_.end(writer_.begin("artifact", test_, {{"path", "kv/small.txt"}}));
  ReadReport read = report("passed");
  EXPECT_EQ(read.bytesOf("b", itemsOf(read)[0]["art"]["extent"]), "small");
}

TEST_F(HtmlTest, LargeArtifactIsLinkedWithTheReason) {
  directory_.write("kv/large.bin", std::string(2000, 'x'));
  writer_.end(writer_.begin("artifact", test_, {{"path", "kv/large.bin"}}));
  Json artifact = itemsOf(report("passed", {.artifactBytesMax = 1024}))[0]["art"];
  EXPECT_EQ(artifact["link"], "kv/large.bin");
  EXPECT_EQ(artifact["why"], "it is larger than 1 KiB");
  EXPECT_EQ(artifact["bytes"], 2000);
}

TEST_F(HtmlTest, ArtifactsBeyondTheTotalAreLinked) {
  for (const char* name : {"one", "two"}) {
    directory_.write(name, std::string(900, 'x'));
    writer_.end(writer_.begin("artifact", test_, {{"path", name}}));
  }
  ReadReport read = report("passed", {.artifactsBytesMax = 1024});
  EXPECT_TRUE(itemsOf(read)[0]["art"].contains("extent"));
  EXPECT_EQ(itemsOf(read)[1]["art"]["link"], "two");
  EXPECT_EQ(read.run()["artifacts"]["inlined"], 1);
}

TEST_F(HtmlTest, NothingOutsideOfTheRunIsRead) {
  std::filesystem::create_symlink("/etc/passwd", directory_ / "link");
  for (const char* path : {"../../../etc/passwd", "/etc/passwd", "link"}) {
    writer_.end(writer_.begin("artifact", test_, {{"path", path}}));
  }
  Json items = itemsOf(report("passed"));
  for (const Json& item : items) EXPECT_EQ(item["art"]["why"], "it is not in the run's directory");
  EXPECT_EQ(items.size(), 3u);
}

// Files.

TEST_F(HtmlTest, ReportThatCannotBeWrittenIsAnError) {
  run::RunRecord run = run::readRun(directory_.path());
  EXPECT_THROW(writeHtml(mergeRuns({run}), {}, directory_ / "missing/report.html"), SystemError);
}

TEST_F(HtmlTest, SameRunHasTheSameReport) {
  writer_.end(writer_.begin("command", test_, {{"node", "n1"}, {"argv", {"echo"}}}));
  std::string first = report("passed").html();
  run::RunRecord run = run::readRun(directory_.path());
  writeHtml(mergeRuns({run}), {}, directory_ / "report.html");
  EXPECT_EQ(readFile(directory_ / "report.html"), first);
}

}  // namespace
}  // namespace harness::report
