#include "harness/faultproxy/flow_shaper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using namespace std::chrono_literals;
using muster::ByteFault;
using muster::FlowFaults;
using muster::ProxyFlow;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Ne;
using ::testing::SizeIs;
using Kind = FlowShaper::Step::Kind;

constexpr size_t kBufferBytes = 64 * 1024;

// A direction with a clock that moves only to the times that the shaper asks for.
struct Line {
  explicit Line(const FlowFaults& faults, uint64_t seed = 7, uint64_t connection = 1)
      : shaper({seed, connection, ProxyFlow::kToTarget}, faults, kBufferBytes) {}

  void send(const std::string& bytes) { shaper.arrived(bytes, now); }

  // Carries out steps until there is nothing to do.
  void run() {
    while (true) {
      FlowShaper::Step step = shaper.next(now);
      if (step.kind == Kind::kIdle) return;
      if (step.kind == Kind::kWait) {
        waits.push_back(step.at - now);
        now = step.at;
      } else if (step.kind == Kind::kWrite) {
        pieces.push_back(std::string(step.bytes));
        out += step.bytes;
        shaper.wrote(step.bytes.size(), now);
      } else {
        ends.push_back(step.kind);
      }
    }
  }

  FlowShaper::Time now{1h};
  FlowShaper shaper;
  std::string out;
  std::vector<std::string> pieces;
  std::vector<std::chrono::nanoseconds> waits;
  std::vector<Kind> ends;
};

std::string numbers(size_t bytes) {
  std::string text;
  for (uint64_t i = 0; text.size() < bytes; ++i) text += std::to_string(i) + ",";
  text.resize(bytes);
  return text;
}

TEST(FlowShaperTest, PassesEverythingAndThenTheEnd) {
  Line line({});
  line.send("hello, ");
  line.send("world");
  line.shaper.sourceEnded(FlowShaper::SourceEnd::kOrderly, line.now);
  line.run();
  EXPECT_EQ(line.out, "hello, world");
  EXPECT_THAT(line.ends, ElementsAre(Kind::kEnd));
  EXPECT_TRUE(line.shaper.over());
  EXPECT_EQ(line.shaper.room(), 0u);
}

TEST(FlowShaperTest, DelayHoldsBytesAndTheEnd) {
  Line line({.delay = 20ms});
  line.send("a");
  EXPECT_EQ(line.shaper.next(line.now).at, line.now + 20ms);
  line.shaper.sourceEnded(FlowShaper::SourceEnd::kOrderly, line.now);
  line.run();
  EXPECT_EQ(line.out, "a");
  EXPECT_THAT(line.waits, ElementsAre(20ms));
  EXPECT_THAT(line.ends, ElementsAre(Kind::kEnd));
}

TEST(FlowShaperTest, JitterVariesAndKeepsOrder) {
  Line line({.delay = 10ms, .jitter = 30ms, .pieceBytesMax = 8});
  std::string text = numbers(2000);
  line.send(text);
  line.run();
  EXPECT_EQ(line.out, text);
  // All pieces arrived at once, so each waits for the largest jitter so far.
  auto total = line.now - FlowShaper::Time(1h);
  EXPECT_GT(total, 30ms);
  EXPECT_LE(total, 40ms);
  EXPECT_GT(line.waits.size(), 3u);
}

TEST(FlowShaperTest, RateIsKept) {
  Line line({.bytesPerSecond = 10'000});
  line.send(numbers(5000));
  line.run();
  EXPECT_THAT(line.out, SizeIs(5000));
  auto total = line.now - FlowShaper::Time(1h);
  EXPECT_GE(total, 490ms);
  EXPECT_LE(total, 500ms);
}

TEST(FlowShaperTest, PieceSizesFollowFromTheSeedAlone) {
  auto piecesOf = [](uint64_t seed, bool together) {
    Line line({.pieceBytesMax = 5}, seed);
    std::string text = numbers(400);
    if (together) line.send(text);
    for (char c : together ? std::string() : text) line.send(std::string(1, c));
    line.run();
    EXPECT_EQ(line.out, text);
    return line.pieces;
  };
  auto pieces = piecesOf(1, true);
  EXPECT_THAT(pieces, Each(SizeIs(Le(5u))));
  EXPECT_THAT(pieces, Contains(SizeIs(1)));
  EXPECT_THAT(pieces, Contains(SizeIs(5)));
  EXPECT_EQ(pieces, piecesOf(1, true));
  EXPECT_EQ(pieces, piecesOf(1, false));
  EXPECT_NE(pieces, piecesOf(2, true));
}

TEST(FlowShaperTest, FaultHitsAtItsByteHoweverBytesArrive) {
  for (size_t chunk : {1u, 3u, 100u}) {
    Line line({.at = {{ByteFault::Kind::kReset, 10}}});
    std::string text = numbers(30);
    for (size_t i = 0; i < text.size(); i += chunk) {
      line.send(text.substr(i, chunk));
      line.run();
    }
    EXPECT_EQ(line.out, text.substr(0, 10)) << "in chunks of " << chunk;
    EXPECT_THAT(line.ends, ElementsAre(Kind::kReset));
    EXPECT_EQ(line.shaper.takeSwallowedBytes(), 20u);
  }
}

TEST(FlowShaperTest, FaultAtZeroLetsNothingPass) {
  Line line({.at = {{ByteFault::Kind::kCut, 0}}});
  line.run();
  EXPECT_THAT(line.ends, ElementsAre(Kind::kCut));
  EXPECT_EQ(line.out, "");
}

TEST(FlowShaperTest, FlippedBitIsOneBitOfOneByte) {
  Line line({.at = {{ByteFault::Kind::kFlipBit, 4}}});
  std::string text = numbers(20);
  line.send(text);
  line.run();
  ASSERT_THAT(line.out, SizeIs(20));
  auto decisions = line.shaper.takeDecisions();
  ASSERT_THAT(decisions, SizeIs(1));
  EXPECT_EQ(decisions[0].offset, 4u);
  text[4] = static_cast<char>(text[4] ^ (1 << decisions[0].bit));
  EXPECT_EQ(line.out, text);
}

TEST(FlowShaperTest, DrawnPlaceLiesInItsRangeAndDependsOnSeedAndConnection) {
  auto placeWith = [](uint64_t seed, uint64_t connection) {
    Line line({.at = {{ByteFault::Kind::kHalfClose, 100, 199}}}, seed, connection);
    line.send(numbers(300));
    line.run();
    EXPECT_THAT(line.ends, ElementsAre(Kind::kHalfClose));
    return line.out.size();
  };
  std::vector<uint64_t> byConnection, bySeed;
  for (uint64_t i = 1; i <= 50; ++i) {
    byConnection.push_back(placeWith(7, i));
    bySeed.push_back(placeWith(i, 1));
  }
  for (auto& places : {byConnection, bySeed}) {
    EXPECT_THAT(places, Each(AllOf(Ge(100u), Le(199u))));
    EXPECT_THAT(places, Contains(Ne(places[0])));
  }
}

TEST(FlowShaperTest, BlackholeHoldsBytesAndTheEndUntilHealed) {
  Line line({.at = {{ByteFault::Kind::kBlackhole, 3}}});
  line.send("abcdef");
  line.shaper.sourceEnded(FlowShaper::SourceEnd::kReset, line.now);
  line.run();
  // Another look must not let the bytes pass.
  line.run();
  EXPECT_EQ(line.out, "abc");
  EXPECT_THAT(line.ends, IsEmpty());
  line.shaper.setFaults({});
  line.run();
  EXPECT_EQ(line.out, "abcdef");
  EXPECT_THAT(line.ends, ElementsAre(Kind::kEndByReset));
}

TEST(FlowShaperTest, PlaceThatWasPassedDoesNotHit) {
  Line line({});
  line.send("abcdef");
  line.run();
  line.shaper.setFaults({.at = {{ByteFault::Kind::kCut, 3}, {ByteFault::Kind::kCut, 8}}});
  line.run();
  EXPECT_THAT(line.ends, IsEmpty());
  line.send("ghij");
  line.run();
  EXPECT_EQ(line.out, "abcdefgh");
  EXPECT_THAT(line.ends, ElementsAre(Kind::kCut));
}

TEST(FlowShaperTest, SenderWaitsWhenTheBufferIsFull) {
  Line line({.blackhole = true});
  EXPECT_EQ(line.shaper.room(), kBufferBytes);
  line.send(numbers(kBufferBytes - 1));
  EXPECT_EQ(line.shaper.room(), 1u);
  line.send("x");
  EXPECT_EQ(line.shaper.room(), 0u);
  line.shaper.setFaults({});
  line.run();
  EXPECT_EQ(line.shaper.room(), kBufferBytes);
}

TEST(FlowShaperTest, HalfCloseComesBehindWhatArrived) {
  Line line({.delay = 5ms});
  line.send("abc");
  line.shaper.halfClose();
  line.send("def");
  line.run();
  EXPECT_EQ(line.out, "abc");
  EXPECT_THAT(line.ends, ElementsAre(Kind::kHalfClose));
}

}  // namespace
}  // namespace harness
