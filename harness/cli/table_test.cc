#include "harness/cli/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using namespace std::chrono_literals;

TEST(TableTest, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(table({{"NODE", "STATE"}, {"server12", "up"}, {"c", ""}}),
            "NODE      STATE\n"
            "server12  up\n"
            "c         -\n");
}

TEST(TableTest, CharactersOfSeveralBytesAreOneColumn) {
  EXPECT_EQ(table({{"\u00b15", "b"}, {"123", "b"}}), "\u00b15   b\n123  b\n");
}

TEST(TableTest, WhatANodeSaysCannotDriveTheTerminal) {
  EXPECT_EQ(table({{"a\x1b[2J\n", "b"}}), "a\\x1b[2J\\x0a  b\n");
}

TEST(TableTest, AgesHaveTwoUnitsAtMost) {
  EXPECT_EQ(ageText(59s + 900ms), "59s");
  EXPECT_EQ(ageText(60s), "1m00s");
  EXPECT_EQ(ageText(2h + 5min + 59s), "2h05m");
  EXPECT_EQ(ageText(9 * 24h + 61min), "9d01h");
  EXPECT_EQ(ageText(-1s), "0s");
}

TEST(TableTest, JsonIsPrintedWhateverTheBytes) {
  testing::internal::CaptureStdout();
  printJson(Json{{"argv", "\xff"}});
  EXPECT_THAT(testing::internal::GetCapturedStdout(), testing::HasSubstr("\xef\xbf\xbd"));
}

}  // namespace
}  // namespace harness
