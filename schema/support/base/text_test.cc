#include "schema/support/base/text.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace support {
namespace {

const std::vector<std::string> kNotUtf8 = {
    "\xff",             // no lead byte
    "\x80",             // a continuation alone
    "\xc3",             // cut
    "\xe2\x82",         // cut
    "\xc0\xaf",         // overlong
    "\xe0\x80\xaf",     // overlong
    "\xed\xa0\x80",     // a surrogate
    "\xf4\x90\x80\x80"  // above U+10FFFF
};

TEST(TextTest, Utf8IsWhatUnicodeSays) {
  for (const char* good : {"", "a", "\x7f", "é", "€", "𝄞", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(isUtf8(good)) << testing::PrintToString(good);
  }
  EXPECT_TRUE(isUtf8(std::string_view("\0", 1)));
  for (const std::string& bad : kNotUtf8) EXPECT_FALSE(isUtf8("a" + bad)) << escaped(bad);
}

TEST(TextTest, WhatIsNotUtf8IsShownByteByByte) {
  EXPECT_EQ(printable("a\xff\x80z"), "a\\xff\\x80z");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(printable("\xe2\x82 €"), "\\xe2\\x82 €");
}

TEST(TextTest, WhatDrivesATerminalIsShown) {
  EXPECT_EQ(printable(std::string_view("\x1b[2J\r\0\x7f", 7)), "\\x1b[2J\\x0d\\x00\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");
  EXPECT_EQ(printable("\u202e"), "\\xe2\\x80\\xae");
  EXPECT_EQ(printable("\u2028\uffff"), "\\xe2\\x80\\xa8\\xef\\xbf\\xbf");
}

TEST(TextTest, LinesStayOrBecomeOne) {
  EXPECT_EQ(printable("a\tb\nc\r\n", Lines::kMany), "a\tb\nc\\x0d\n");
  EXPECT_EQ(printable("a\tb\nc"), "a\\tb\\nc");
}

TEST(TextTest, PrintableTextStaysAsItIs) {
  for (const char* text : {"", "plain", "C:\\x \"quoted\"", "größer 𝄞 ± \u00a0"}) {
    EXPECT_EQ(printable(text), text);
    EXPECT_EQ(printable(printable(text)), text);
  }
}

TEST(TextTest, EscapedTextTellsTheBytes) {
  EXPECT_EQ(escaped("a\"b\\c\n\x01\xff"), "a\\\"b\\\\c\\n\\x01\\xff");
  EXPECT_NE(escaped("\\xff"), escaped("\xff"));
}

TEST(TextTest, JsonHasEveryCharacter) {
  EXPECT_EQ(jsonEscaped("a\"\\\n\x7fé𝄞\xff"),
            "a\\\"\\\\\\u000a\\u007f\\u00e9\\ud834\\udd1e\\ufffd");
}

TEST(TextTest, DocumentsAreRepairedOnlyWhereTheyMust) {
  EXPECT_EQ(xmlRepaired("<a>é\t\r\n</a>"), "<a>é\t\r\n</a>");
  EXPECT_EQ(xmlRepaired("<a>\x1b\xff\xef\xbf\xbe</a>"), "<a>\\x1b\\xff\\xef\\xbf\\xbe</a>");
  EXPECT_EQ(jsonRepaired("{\"a\": \"\xffé\"}"), "{\"a\": \"\\\\xffé\"}");
}

TEST(TextTest, CutsAreBetweenCharacters) {
  const std::string text = "a€𝄞z";  // 1, 3, 4 and 1 bytes.
  std::vector<size_t> beginnings, ends;
  for (size_t bytes = 0; bytes <= text.size() + 1; ++bytes) {
    beginnings.push_back(beginningOf(text, bytes).size());
    ends.push_back(endOf(text, bytes).size());
  }
  EXPECT_THAT(beginnings, testing::ElementsAre(0, 1, 1, 1, 4, 4, 4, 4, 8, 9, 9));
  EXPECT_THAT(ends, testing::ElementsAre(0, 1, 1, 1, 1, 5, 5, 5, 8, 9, 9));
}

TEST(TextTest, OtherBytesAreCutAnywhere) {
  EXPECT_EQ(beginningOf("\xff\xff\xff", 2), "\xff\xff");
  EXPECT_EQ(endOf("\x80\x80\x80\x80\x80", 4).size(), 4u);
}

}  // namespace
}  // namespace support
