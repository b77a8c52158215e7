// Lines are taken apart as nlohmann::json would read them, which is the library that everybody else
// here reads JSON with.
#include "harness/run/record_line.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace harness::run {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

bool isObject(std::string_view text) {
  RecordLine line;
  return line.add(text);
}

TEST(RecordLineTest, FieldsAreFound) {
  RecordLine line;
  ASSERT_TRUE(line.add(R"({"n":7,"at":-12,"text":"a \"b\" \u00e9","argv":["x", "y z"],"f":1.9})"));
  EXPECT_EQ(line.number("n"), 7);
  EXPECT_EQ(line.number("at"), -12);
  EXPECT_EQ(line.number("f"), 1);
  EXPECT_EQ(line.text("text"), "a \"b\" \u00e9");
  EXPECT_THAT(line.texts("argv"), ElementsAre("x", "y z"));
  EXPECT_EQ(line.json("argv"), R"(["x", "y z"])");
}

TEST(RecordLineTest, FieldOfAnotherTypeHasNoValue) {
  RecordLine line;
  ASSERT_TRUE(line.add(R"({"number":"7","text":7,"list":{"a":"b"},"mixed":["a",1,["b"],"c"]})"));
  EXPECT_EQ(line.number("number"), std::nullopt);
  EXPECT_EQ(line.number("missing"), std::nullopt);
  EXPECT_EQ(line.text("text"), "");
  EXPECT_THAT(line.texts("list"), IsEmpty());
  EXPECT_THAT(line.texts("mixed"), ElementsAre("a", "c"));
  EXPECT_FALSE(line.has("missing"));
}

TEST(RecordLineTest, NumberBeyondAnIntegerHasNoValue) {
  RecordLine line;
  ASSERT_TRUE(line.add(R"({"large":9223372036854775808,"least":-9223372036854775808,"e":1e3})"));
  EXPECT_EQ(line.number("large"), std::nullopt);
  EXPECT_EQ(line.number("least"), INT64_MIN);
  EXPECT_EQ(line.number("e"), 1000);
}

TEST(RecordLineTest, LaterFieldCounts) {
  std::string first = R"({"a":1,"a":2,"b":3})";
  std::string second = R"({"b":4,"\u0062c":5})";
  RecordLine line;
  ASSERT_TRUE(line.add(first));
  ASSERT_TRUE(line.add(second));
  EXPECT_EQ(line.number("a"), 2);
  EXPECT_EQ(line.number("b"), 4);
  EXPECT_EQ(line.number("bc"), 5);
}

TEST(RecordLineTest, DeepValueNeedsNoStack) {
  constexpr size_t kDepth = 1'000'000;
  EXPECT_TRUE(isObject("{\"a\":" + std::string(kDepth, '[') + std::string(kDepth, ']') + "}"));
  EXPECT_FALSE(isObject("{\"a\":" + std::string(kDepth, '[') + std::string(kDepth - 1, ']') + "}"));
}

TEST(RecordLineTest, WhatIsNoJsonIsRefused) {
  for (const char* text : {"",
                           "{",
                           "[]",
                           "7",
                           "{}x",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{,}",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"a\":+1}",
                           "{\"a\":1e}",
                           "{\"a\":1e999}",
                           "{\"a\":tru}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\ud800\"}",
                           "{\"a\":\"\\udc00\"}",
                           "{\"a\":\"\\udc00\\udc00\"}",
                           "{\"a\":\"\\u12g4\"}",
                           "{\"a\":\"\\u-123\"}",
                           "{\"a\":\"\t\"}",
                           "{\"a\":\"\xff\"}",
                           "{\"a\":[1 2]}",
                           "{\"a\":{\"b\":[}}}",
                           "{'a':1}"}) {
    EXPECT_FALSE(isObject(text)) << text;
    EXPECT_FALSE(json::parse(text, nullptr, false).is_object()) << text;
  }
}

TEST(RecordLineTest, DamagedLinesAreJudgedAsTheLibraryJudgesThem) {
  constexpr int kRounds = 60'000;
  const std::string whole =
      R"({"n":12,"at":0,"begin":"i7","kind":"command","argv":["kvctl","p\u00e9\ud83d\ude00t"],)"
      R"("f":{"exit":-0.5e+3,"ok":[true,false,null,{}]},"text":"é \"q\" \\ \n"})";
  const std::string_view kPieces[] = {"\"", "\\",   "{",    "}", "[",    "]",      ",",
                                      ":",  "0",    "1e9",  ".", "u",    "-",      " ",
                                      "\t", "\xc3", "\x80", "t", "null", "\\ud800"};
  std::mt19937 random(4711);
  size_t accepted = 0;
  for (int i = 0; i < kRounds; ++i) {
    std::string text = whole;
    for (unsigned count = random() % 3 + 1; count > 0; --count) {
      size_t at = random() % text.size();
      text.replace(at, random() % 3, kPieces[random() % std::size(kPieces)]);
    }
    json value = json::parse(text, nullptr, false);
    ASSERT_EQ(isObject(text), value.is_object()) << text;
    if (!value.is_object()) continue;
    ++accepted;
    RecordLine line;
    line.add(text);
    for (const auto& [name, field] : value.items()) {
      EXPECT_EQ(json::parse(line.json(name)), field) << name << " of " << text;
    }
  }
  EXPECT_GT(accepted, 100u);
}

}  // namespace
}  // namespace harness::run
