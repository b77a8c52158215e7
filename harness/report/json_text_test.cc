#include "harness/report/json_text.h"

#include <gtest/gtest.h>

namespace harness::report {
namespace {

TEST(JsonTextTest, ObjectHasWhatWasPutIntoIt) {
  JsonObject object;
  object.number("b", int64_t{-7})
      .text("t", "a \"b\"\n\xff")
      .json("l", "[1,2]")
      .value("v", {{"x", 1}});
  object.fieldsOf("{}").fieldsOf(R"({"y":2})").text("strange \"name\"", "\u00e9");
  Json read = Json::parse(object.done());
  EXPECT_EQ(read, Json({{"b", -7},
                        {"t", "a \"b\"\n\ufffd"},
                        {"l", {1, 2}},
                        {"v", {{"x", 1}}},
                        {"y", 2},
                        {"strange \"name\"", "\u00e9"}}));
}

TEST(JsonTextTest, EmptyOnesAreWhole) {
  JsonObject object;
  EXPECT_TRUE(object.isEmpty());
  EXPECT_EQ(object.done(), "{}");
  JsonList list;
  EXPECT_EQ(list.done(), "[]");
}

TEST(JsonTextTest, ListCountsItsValues) {
  JsonList list;
  list.add("1");
  list.add("\"a\"");
  EXPECT_EQ(list.size(), 2u);
  EXPECT_EQ(list.done(), "[1,\"a\"]");
}

}  // namespace
}  // namespace harness::report
