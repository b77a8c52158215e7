// Tries ids, check sums, digests, durations and suggestions.
#include <gtest/gtest.h>
#include <kj/string.h>

#include "schema/support/base/crc32c.h"
#include "schema/support/base/duration.h"
#include "schema/support/base/id.h"
#include "schema/support/base/sha256.h"
#include "schema/support/base/suggestion.h"

namespace support {
namespace {

kj::ArrayPtr<const kj::byte> bytes(kj::StringPtr text) {
  return text.asBytes();
}

TEST(IdTest, RandomOnesDifferAndPrintAsHex) {
  Id id = Id::random();
  EXPECT_NE(id, Id::random());
  EXPECT_EQ(id.text().size(), 32u);
  EXPECT_EQ(Id::from(id.data()), id);
  EXPECT_EQ(hex(bytes("\x01\xff")), "01ff");
}

TEST(Crc32cTest, AgreesWithTheStandard) {
  EXPECT_EQ(crc32c(bytes("123456789")), 0xe3069283u);
  kj::byte zeros[32] = {};
  EXPECT_EQ(crc32c(kj::arrayPtr(zeros, 32)), 0x8a9136aau);
  EXPECT_EQ(crc32c(nullptr), 0u);
}

TEST(Crc32cTest, TableAndInstructionAgreeAtEveryLengthAndInPieces) {
  // Longer ones go through several lanes at once.
  constexpr size_t kLanes = 3 * 1024;
  kj::byte data[2 * kLanes + 67];
  fillRandom(data);
  for (size_t length = 0; length <= sizeof data; ++length) {
    if (length > 67 && length % kLanes > 67) continue;
    auto part = kj::arrayPtr(data, length);
    EXPECT_EQ(crc32c(part), crc32cByTable(part)) << length;
    auto head = part.slice(0, length / 3);
    EXPECT_EQ(crc32c(part.slice(length / 3, length), crc32c(head)), crc32c(part)) << length;
  }
}

TEST(Sha256Test, DigestsInPiecesAndMayGoOn) {
  Sha256 hash;
  hash.update(bytes("a"));
  hash.digest();
  hash.update(bytes("bc"));
  auto digest = hash.digest();
  EXPECT_EQ(hex(kj::arrayPtr(digest.data(), digest.size())),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(SuggestionTest, ClosestWordIsProposedElseAllAreNamed) {
  EXPECT_EQ(suggestion("lables", {"role", "labels"}), "; did you mean \"labels\"?");
  EXPECT_EQ(suggestion("zzz", {"role", "labels"}), "; known: role, labels");
  EXPECT_EQ(suggestion("x", {}), "");
}

TEST(SuggestionTest, WordItselfIsNeverProposed) {
  EXPECT_EQ(suggestion("demo", {"demo"}), "");
  EXPECT_EQ(suggestion("demo", {"demo", "demo2"}), "; did you mean \"demo2\"?");
}

TEST(DurationTest, ReadsWhatPeopleWrite) {
  EXPECT_EQ(durationFromText("500ms"), 500'000'000);
  EXPECT_EQ(durationFromText("1.5s"), 1'500'000'000);
  EXPECT_EQ(durationFromText("2m"), 120'000'000'000);
  EXPECT_EQ(durationFromText("0s"), 0);
  for (auto text :
       {"", "s", "5", "-1s", "1 s", "1x", "1e300h", "99999999999d", "nan", "infs", "1s "}) {
    EXPECT_EQ(durationFromText(text), std::nullopt) << text;
  }
}

TEST(DurationTest, PrintsInTheLargestUnit) {
  EXPECT_EQ(durationText(0), "0 s");
  EXPECT_EQ(durationText(1'500'000'000), "1.5 s");
  EXPECT_EQ(durationText(250'000'000), "250 ms");
  EXPECT_EQ(durationText(120'000'000'000), "2 m");
  EXPECT_EQ(durationText(-5), "-5 ns");
}

}  // namespace
}  // namespace support
