#include "harness/cli/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/command.h"

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
  EXPECT_EQ(table({{"a\x1b[2J\n", "b"}}), "a\\x1b[2J\\n  b\n");
  EXPECT_EQ(table({{"\xff", "b"}}), "\\xff  b\n");
}

TEST(TableTest, AgesHaveTwoUnitsAtMost) {
  EXPECT_EQ(ageText(59s + 900ms), "59s");
  EXPECT_EQ(ageText(60s), "1m00s");
  EXPECT_EQ(ageText(2h + 5min + 59s), "2h05m");
  EXPECT_EQ(ageText(9 * 24h + 61min), "9d01h");
  EXPECT_EQ(ageText(-1s), "0s");
}

TEST(TableTest, JsonKeepsTheBytesThatAreNoText) {
  Json value = {{"out", "a\xff"}, {"argv", {"é", "\x80", 7}}, {"text", "é\n"}};
  std::string text = jsonText(Json::array({value}), Layout::kLine);
  EXPECT_EQ(text,
            "[{\"out\":\"a\xef\xbf\xbd\",\"out_base64\":\"Yf8=\","
            "\"argv\":[\"é\",\"\xef\xbf\xbd\",7],\"argv_base64\":[\"w6k=\",\"gA==\",null],"
            "\"text\":\"é\\n\"}]\n");
  EXPECT_TRUE(nlohmann::json::accept(text));
}

// Python's parser is not nlohmann's, which wrote it.
TEST(TableTest, JsonIsReadByOthers) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  CommandResult read = runCommand(
      {"/usr/bin/env", "python3", "-c",
       "import sys, json, base64\n"
       "v = json.loads(sys.stdin.buffer.read().decode())['v']\n"
       "sys.exit(0 if base64.b64decode(v['out_base64']) == bytes(range(256)) else 'other bytes')"},
      {}, jsonText({{"v", {{"out", all}}}}, Layout::kIndented));
  EXPECT_TRUE(read.succeeded()) << toString(read);
}

TEST(TableTest, JsonOfTextIsAsItWas) {
  testing::internal::CaptureStdout();
  printJson(Json{{"argv", {"é"}}});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "{\n  \"argv\": [\n    \"é\"\n  ]\n}\n");
}

}  // namespace
}  // namespace harness
