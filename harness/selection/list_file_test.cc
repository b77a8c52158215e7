#include "harness/selection/list_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/selection/error.h"

namespace harness::selection {
namespace {

using Kind = Selector::Kind;

std::string problemOf(const std::string& content) {
  try {
    parseListFile("a.list", content);
  } catch (const SelectionError& error) {
    return error.what();
  }
  return "";
}

TEST(ListFileTest, EachLineIsASelectorWithItsPlace) {
  std::vector<Selector> all = parseListFile(
      "a.list",
      "\n# comment\r\n kvd \r\nA#1.B\t# kept\n-L slow\n--label=net\n-E \"label(a) | b\"\n");
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0].text, "kvd");
  EXPECT_EQ(all[0].origin, "a.list:3");
  EXPECT_EQ(all[1].text, "A#1.B");
  EXPECT_EQ(all[2].kind, Kind::kLabel);
  EXPECT_EQ(all[3].text, "net");
  EXPECT_EQ(all[4].kind, Kind::kExpression);
  EXPECT_EQ(all[4].text, "label(a) | b");
  EXPECT_EQ(all[4].origin, "a.list:7");
}

TEST(ListFileTest, WrongLinesAreErrorsWithTheirPlaces) {
  EXPECT_EQ(
      problemOf("kvd\nKvTest Other\n"),
      "a.list:2: \"KvTest Other\" has white space; each selector stands on a line of its own");
  EXPECT_EQ(problemOf("--lable slow"),
            "a.list:1: there is no selector \"--lable\"; did you mean \"--label\"?");
  EXPECT_EQ(problemOf("-L"), "a.list:1: -L: the value is missing");
  EXPECT_EQ(problemOf("# nothing\n\n"),
            "a.list: there is no selector in it; one is expected on each line");
}

}  // namespace
}  // namespace harness::selection
