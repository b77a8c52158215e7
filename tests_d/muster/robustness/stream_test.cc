#include "tests_d/muster/robustness/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace robustness {
namespace {

using ::testing::HasSubstr;

// Returns the text of a stream without its line `number`.
std::string without(uint64_t number, uint64_t lines) {
  std::string text;
  for (uint64_t i = 0; i < lines; ++i) text += i == number ? "" : streamLine("s", i);
  return text;
}

TEST(StreamTest, GeneratedTextHasNoFlaw) {
  EXPECT_EQ(streamFlaw("s", 100, streamText("s", 100), Extent::kWhole), "");
  EXPECT_EQ(streamFlaw("s", 0, "", Extent::kWhole), "");
}

TEST(StreamTest, EveryPrefixIsABeginningAndNotTheWhole) {
  std::string text = streamText("s", 5);
  for (size_t bytes = 0; bytes < text.size(); ++bytes) {
    EXPECT_EQ(streamFlaw("s", 5, text.substr(0, bytes), Extent::kBeginning), "") << bytes;
    EXPECT_THAT(streamFlaw("s", 5, text.substr(0, bytes), Extent::kWhole), HasSubstr("ends "));
  }
}

TEST(StreamTest, MissingLineIsFound) {
  EXPECT_THAT(streamFlaw("s", 9, without(4, 9), Extent::kWhole),
              HasSubstr("for line 4: line 5; those between are missing"));
  EXPECT_THAT(streamFlaw("s", 9, without(8, 9), Extent::kWhole), HasSubstr("ends before line 8"));
}

TEST(StreamTest, RepeatedLineIsFound) {
  std::string text = streamText("s", 4) + streamLine("s", 3) + streamLine("s", 4);
  EXPECT_THAT(streamFlaw("s", 5, text, Extent::kWhole), HasSubstr("for line 4: line 3 again"));
}

TEST(StreamTest, MissingByteAndFlippedBitAreFound) {
  std::string text = streamText("s", 3);
  for (size_t at = 0; at < text.size(); ++at) {
    std::string shorter = text;
    shorter.erase(at, 1);
    EXPECT_NE(streamFlaw("s", 3, shorter, Extent::kWhole), "") << at;
    std::string flipped = text;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    EXPECT_NE(streamFlaw("s", 3, flipped, Extent::kBeginning), "") << at;
  }
}

TEST(StreamTest, ExtraBytesAndBytesOfAnotherStreamAreFound) {
  EXPECT_THAT(streamFlaw("s", 3, streamText("s", 4), Extent::kWhole),
              HasSubstr("bytes after the end"));
  EXPECT_THAT(streamFlaw("s", 3, streamText("t", 3), Extent::kWhole), HasSubstr("foreign"));
}

}  // namespace
}  // namespace robustness
