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
                                {"server2", LogSource::unit("a.service"), "x"}};
  std::vector<LogMark> read = readMarks(marksText("demo", marks), "marks");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].node, "server1");
  EXPECT_EQ(read[0].bytes, marks[0].bytes);
  EXPECT_EQ(read[0].source, marks[0].source);
  EXPECT_EQ(read[1].source, marks[1].source);
}

TEST(LogWordsTest, OtherFilesAreRefused) {
  EXPECT_THROW(readMarks("", "f"), CommandError);
  EXPECT_THROW(readMarks("{\"marks\":[]}", "f"), CommandError);
  EXPECT_THROW(readMarks("{\"marks\":[{\"node\":1}]}", "f"), CommandError);
  EXPECT_THROW(readMarks(R"({"marks":[{"node":"a","kind":"files","name":"/x","mark":"zz"}]})", "f"),
               CommandError);
}

TEST(LogWordsTest, PathMustBeAbsolute) {
  EXPECT_EQ(sourcesOf({"/a"}, {"u"}).size(), 2u);
  EXPECT_THROW(sourcesOf({"a"}, {}), CommandError);
}

TEST(LogWordsTest, LineIsMadePrintable) {
  LogLine line{.node = "server1", .file = "/a", .text = "x\x1b[2J"};
  EXPECT_EQ(lineText(line), "server1 /a: x\\x1b[2J\n");
}

}  // namespace
}  // namespace harness
