#include "harness/cli/spooled_output.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

std::string allOf(const SpooledOutput& output) {
  std::string all;
  output.give([&all](std::string_view part) { all += part; });
  return all;
}

TEST(SpooledOutputTest, BytesOfEverySizeComeBackInOrder) {
  constexpr size_t kMost = SpooledOutput::kMemoryBytesMax;
  for (size_t size : {size_t{0}, size_t{1}, kMost, kMost + 1, 3 * kMost + 17}) {
    std::string text;
    while (text.size() < size) text += std::to_string(text.size()) + "\n";
    text.resize(size);
    SpooledOutput output;
    for (size_t at = 0; at < size; at += 100'000) output.append(text.substr(at, 100'000));
    EXPECT_TRUE(allOf(output) == text) << size;
    EXPECT_TRUE(allOf(output) == text) << size;
    EXPECT_EQ(output.size(), size);
    EXPECT_EQ(output.last(), size == 0 ? '\0' : text.back());
  }
}

TEST(SpooledOutputTest, EqualityIsThatOfTheBytes) {
  SpooledOutput one, same, other, longer;
  std::string text(SpooledOutput::kMemoryBytesMax + 1, 'x');
  one.append(text);
  for (char byte : text) same.append({&byte, 1});
  other.append(text.substr(1) + "y");
  longer.append(text + "x");
  EXPECT_TRUE(one == same);
  EXPECT_FALSE(one == other);
  EXPECT_FALSE(one == longer);
}

}  // namespace
}  // namespace harness
