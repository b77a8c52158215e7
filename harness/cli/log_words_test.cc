#include "harness/cli/log_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/command_error.h"

namespace harness {
namespace {

using muster::LogLine;
using muster::LogMark;
using muster::LogSource;

TEST(LogWordsTest, MarksComeBackFromTheirFile) {
  std::vector<LogMark> marks = {{"server1", "/var/log/*.log", std::string("\0\xff\x10", 3)},
                                {"server2", LogSource::unit("a.service"), "x"},
                                {"server2", LogSource::container("kvd"), "y"}};
  std::vector<LogMark> read = readMarks(marksText("demo", marks), "marks");
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[0].node, "server1");
  EXPECT_EQ(read[0].bytes, marks[0].bytes);
  EXPECT_EQ(read[0].source, marks[0].source);
  EXPECT_EQ(read[1].source, marks[1].source);
  EXPECT_EQ(read[2].source, marks[2].source);
}

TEST(LogWordsTest, OtherFilesAreRefused) {
  EXPECT_THROW(readMarks("", "f"), CommandError);
  EXPECT_THROW(readMarks("{\"marks\":[]}", "f"), CommandError);
  EXPECT_THROW(readMarks("{\"marks\":[{\"node\":1}]}", "f"), CommandError);
  EXPECT_THROW(readMarks(R"({"marks":[{"node":"a","kind":"files","name":"/x","mark":"zz"}]})", "f"),
               CommandError);
}

TEST(LogWordsTest, PathMustBeAbsolute) {
  EXPECT_EQ(sourcesOf({"/a"}, {"u"}, {"c"}).size(), 3u);
  EXPECT_THROW(sourcesOf({"a"}, {}, {}), CommandError);
}

TEST(LogWordsTest, LogsOfAClusterFileAreShown) {
  ClusterLogs logs;
  logs.sources = {{"/l/*.log", {}}, {LogSource::kernel(), {"s1", "s2"}}};
  logs.failOn = {{{.pattern = "E", .files = "*/a", .reason = "lost"}, {}},
                 {{.pattern = "W", .severity = muster::LogSeverity::kWarn, .reason = "odd"}, {}}};
  logs.allow = {{{.pattern = "E1", .reason = "y", .expires = "2999-01-01", .before = "b"}, {"s1"}}};
  EXPECT_EQ(clusterLogsText(logs),
            "logs: files \"/l/*.log\"\nlogs: kernel on s[1-2]\n"
            "fail_on: \"E\" in \"*/a\": lost\nwarn_on: \"W\": odd\n"
            "allow: \"E1\" on s1 behind \"b\" until 2999-01-01: y\n");
  Json json = clusterLogsJson(logs);
  EXPECT_EQ(json["sources"][1]["nodes"], "s[1-2]");
  EXPECT_EQ(json["warn_on"][0]["pattern"], "W");
  EXPECT_EQ(json["allow"][0]["before_lines"], 10);
}

TEST(LogWordsTest, LineIsMadePrintable) {
  LogLine line{.node = "server1", .file = "/a", .text = "x\x1b[2J"};
  EXPECT_EQ(lineText(line), "server1 /a: x\\x1b[2J\n");
}

}  // namespace
}  // namespace harness
