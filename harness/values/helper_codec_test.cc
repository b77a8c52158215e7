// Tries that values of helpers cross whole, and that bytes which are none are refused.
#include "harness/values/helper_codec.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/helper_conversion.h>

namespace harness {
namespace {

using muster::fromHelperValue;
using muster::HelperTypeError;
using muster::HelperValue;
using muster::toHelperValue;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Disk {
  std::string name;
  std::optional<int64_t> bytes;
  std::vector<double> loads;

  template <typename Visit>
  void fields(Visit&& visit) {
    visit("name", name);
    visit("bytes", bytes);
    visit("loads", loads);
  }
};

template <typename T>
T crossed(const T& value) {
  std::string frame = encodeHelperFrame(toHelperValue(value));
  return fromHelperValue<T>(takeHelperFrame(frame).value());
}

TEST(HelperCodecTest, PlainValuesCrossWhole) {
  EXPECT_EQ(crossed(true), true);
  for (int64_t each : {std::numeric_limits<int64_t>::min(), int64_t{-1}, int64_t{0},
                       std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(crossed(each), each);
  }
  EXPECT_EQ(crossed(-0.1), -0.1);
  EXPECT_EQ(crossed(std::string("\0\xff\n", 3)), std::string("\0\xff\n", 3));
  EXPECT_EQ(crossed(std::optional<bool>()), std::nullopt);
}

TEST(HelperCodecTest, StructsAndContainersCrossWhole) {
  std::map<std::string, std::vector<Disk>> disks;
  disks["n1"] = {{"vda", 512, {0.5, 1}}, {"vdb", std::nullopt, {}}};
  auto got = crossed(disks);
  ASSERT_EQ(got["n1"].size(), 2u);
  EXPECT_EQ(got["n1"][0].name, "vda");
  EXPECT_EQ(got["n1"][0].bytes, 512);
  EXPECT_THAT(got["n1"][0].loads, testing::ElementsAre(0.5, 1));
  EXPECT_EQ(got["n1"][1].bytes, std::nullopt);
}

TEST(HelperCodecTest, WrongTypesAreNamed) {
  EXPECT_THAT([] { fromHelperValue<int64_t>(toHelperValue("five")); },
              ThrowsMessage<HelperTypeError>("expected an integer, got the text \"five\""));
  EXPECT_THAT([] { fromHelperValue<uint8_t>(toHelperValue(256)); },
              ThrowsMessage<HelperTypeError>(HasSubstr("8 bits without sign")));
  EXPECT_THAT([] { toHelperValue(std::numeric_limits<uint64_t>::max()); },
              ThrowsMessage<HelperTypeError>(HasSubstr("too large")));
}

TEST(HelperCodecTest, FieldsThatDifferAreNamed) {
  HelperValue::Map disk = toHelperValue(Disk{"vda", 1, {}}).asMap();
  disk.erase("bytes");
  EXPECT_THAT([&] { fromHelperValue<Disk>(HelperValue(disk)); },
              ThrowsMessage<HelperTypeError>("field \"bytes\": is missing"));
  disk["bytes"] = toHelperValue("many");
  EXPECT_THAT([&] { fromHelperValue<Disk>(HelperValue(disk)); },
              ThrowsMessage<HelperTypeError>(HasSubstr("field \"bytes\": expected an integer")));
  disk["bytes"] = HelperValue();
  disk["speed"] = HelperValue();
  EXPECT_THAT([&] { fromHelperValue<Disk>(HelperValue(disk)); },
              ThrowsMessage<HelperTypeError>("field \"speed\": is not known here"));
}

TEST(HelperCodecTest, FramesComeInPieces) {
  std::string bytes = encodeHelperFrame(toHelperValue("one")) + encodeHelperFrame(toHelperValue(2));
  std::string held;
  std::vector<HelperValue> got;
  for (char each : bytes) {
    held += each;
    while (auto value = takeHelperFrame(held)) got.push_back(*value);
  }
  EXPECT_EQ(got, (std::vector<HelperValue>{toHelperValue("one"), toHelperValue(2)}));
  EXPECT_EQ(held, "");
}

// Each count and size is beyond what follows it.
TEST(HelperCodecTest, BytesThatAreNoValueAreRefused) {
  for (std::string bytes : {std::string(), std::string("x"), std::string("i\0", 2),
                            std::string("s\0\0\0\5abc", 8), std::string("l\xff\xff\xff\xff", 5),
                            std::string("m\0\0\0\1\0\0\0\1a", 10), std::string("nn")}) {
    EXPECT_THROW(decodeHelperValue(bytes), HelperTypeError) << testing::PrintToString(bytes);
  }
  std::string huge = "\x7f\xff\xff\xff";
  EXPECT_THROW(takeHelperFrame(huge), HelperTypeError);
}

TEST(HelperCodecTest, DepthIsBounded) {
  HelperValue deep;
  for (size_t i = 0; i <= kHelperDepthMax; ++i) deep = HelperValue(HelperValue::List{deep});
  EXPECT_THROW(encodeHelperFrame(deep), HelperTypeError);
  std::string bytes;
  for (size_t i = 0; i <= kHelperDepthMax; ++i) bytes += std::string("l\0\0\0\1", 5);
  EXPECT_THROW(decodeHelperValue(bytes + "n"), HelperTypeError);
}

}  // namespace
}  // namespace harness
