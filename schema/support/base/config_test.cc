// Tries which documents the reader refuses, and that each refusal names file, line and column.
#include "schema/support/base/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/support/base/suggestion.h"

namespace support {
namespace {

using ::testing::ElementsAre;

// The text of the error that `read` throws, or "" if it throws none.
template <typename Read>
std::string errorOf(Read&& read) {
  try {
    read();
    return "";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

const ConfigReader kReader("f.yaml");

TEST(ConfigReaderTest, UnknownKeyIsRefusedWithPlaceAndNearestKnown) {
  YAML::Node map = kReader.parse("listen: x\n  # comment\nlsten: y\n");
  EXPECT_EQ(errorOf([&] {
              kReader.checkKeys(map, {"listen", "node"});
            }),
            "f.yaml:3:1: unknown key \"lsten\"; did you mean \"listen\"?");
  EXPECT_EQ(errorOf([&] { kReader.checkKeys(map, {"listen", "lsten"}); }), "");
}

TEST(ConfigReaderTest, SecondUseOfAKeyIsRefused) {
  YAML::Node map = kReader.parse("a: 1\na: 2\n");
  EXPECT_EQ(errorOf([&] { kReader.checkKeys(map, {"a"}); }),
            "f.yaml:2:1: key \"a\" is here a second time");
}

TEST(ConfigReaderTest, WrongTypeIsNamed) {
  YAML::Node map = kReader.parse("a: {b: c}\nd: [x, y]\n");
  EXPECT_EQ(errorOf([&] { kReader.text(map["a"], "a"); }),
            "f.yaml:1:4: a: expected text and found a map");
  EXPECT_EQ(errorOf([&] { kReader.texts(map["a"], "a"); }),
            "f.yaml:1:4: a: expected a list and found a map");
  EXPECT_THAT(kReader.texts(map["d"], "d"), ElementsAre("x", "y"));
}

TEST(ConfigReaderTest, BrokenOrEmptyDocumentIsRefused) {
  EXPECT_EQ(errorOf([] { kReader.parse(""); }), "f.yaml:1:1: the file is empty");
  EXPECT_THAT(errorOf([] { kReader.parse("a: [\n"); }), testing::HasSubstr("not YAML"));
  EXPECT_THAT(errorOf([] { kReader.parse("- a\n"); }), testing::HasSubstr("expected a map"));
  EXPECT_THAT(errorOf([] { kReader.parse("a: 1\n---\nb: 2\n"); }),
              testing::HasSubstr("f.yaml:2:1: a second document"));
  // The library's own LoadAll would take these for documents without end.
  EXPECT_THAT(errorOf([] { kReader.parse("[a],b"); }), testing::HasSubstr("a second document"));
}

TEST(ConfigReaderTest, WordOutsideOfItsSetIsRefused) {
  YAML::Node map = kReader.parse("level: debgu\n");
  EXPECT_EQ(errorOf([&] {
              kReader.word(map["level"], "level", {"info", "debug"});
            }),
            "f.yaml:1:8: level: there is no \"debgu\"; did you mean \"debug\"?");
}

TEST(SuggestionTest, DistantWordListsAllKnownOnes) {
  EXPECT_EQ(suggestion("zzz", {"node", "listen"}), "; known: node, listen");
  EXPECT_EQ(suggestion("zzz", {}), "");
}

}  // namespace
}  // namespace support
