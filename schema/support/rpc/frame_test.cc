// Group A of the catalogue of bad input: framing.
#include "schema/support/rpc/frame.h"

#include <string.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "schema/support/base/wire_error.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;

std::string number(uint32_t value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string frameOf(std::vector<uint32_t> sizes, char fill = 'x') {
  std::string frame = number(static_cast<uint32_t>(sizes.size() - 1));
  size_t words = 0;
  for (uint32_t size : sizes) {
    frame += number(size);
    words += size;
  }
  if (frame.size() % 8 != 0) frame += number(0);
  return frame + std::string(words * 8, fill);
}

class FrameTest : public testing::Test {
 protected:
  ~FrameTest() noexcept override {}

  // Feeds the reader `input`, then ends the stream, and returns the result of each read.
  struct Outcome {
    int frames = 0;
    Kind failure = Kind::UNSPECIFIED;
    std::string lastBytes;
  };

  Outcome feed(const std::string& input, size_t pieceBytes = SIZE_MAX) {
    auto pipe = kj::newOneWayPipe();
    FrameReader reader(*pipe.in, timer_, limits_, signals_);
    auto writing = write(*pipe.out, input, pieceBytes)
                       .then([&]() { pipe.out = nullptr; })
                       .eagerlyEvaluate([](kj::Exception&&) {});
    Outcome outcome;
    for (;;) {
      bool ended = false;
      KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                     KJ_IF_MAYBE (frame, reader.read().wait(waitScope_)) {
                       ++outcome.frames;
                       auto bytes = frame->bytes();
                       outcome.lastBytes.assign(reinterpret_cast<const char*>(bytes.begin()),
                                                bytes.size());
                       if (frame->signal() != 0) lastSignal_ = frame->signal();
                     } else {
                       ended = true;
                     }
                   })) {
        outcome.failure = toFailure(*exception, "test").kind;
        ended = true;
      }
      if (ended) return outcome;
    }
  }

  kj::Promise<void> write(kj::AsyncOutputStream& out, const std::string& input, size_t pieceBytes,
                          size_t from = 0) {
    if (from >= input.size()) return kj::READY_NOW;
    size_t count = std::min(pieceBytes, input.size() - from);
    return out.write(input.data() + from, count)
        .then([this, &out, &input, pieceBytes, from, count]() {
          return write(out, input, pieceBytes, from + count);
        });
  }

  kj::EventLoop loop_;
  kj::WaitScope waitScope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  FrameLimits limits_;
  Signals signals_ = Signals::kRefused;
  uint32_t lastSignal_ = 0;
};

TEST_F(FrameTest, WholeFramesArriveAsTheyWereSent) {
  std::string one = frameOf({3});
  std::string two = frameOf({1, 5, 2});
  EXPECT_EQ(feed("").frames, 0);
  for (size_t piece : {size_t{1}, size_t{3}, size_t{8}, SIZE_MAX}) {
    auto outcome = feed(one + two + one, piece);
    EXPECT_EQ(outcome.frames, 3) << piece;
    EXPECT_EQ(outcome.failure, Kind::UNSPECIFIED);
    EXPECT_EQ(outcome.lastBytes, one);
  }
}

TEST_F(FrameTest, FramesThatArrivedTogetherAreTakenWithoutWaiting) {
  auto pipe = kj::newOneWayPipe();
  FrameReader reader(*pipe.in, timer_, limits_);
  EXPECT_TRUE(reader.takeArrived() == nullptr);
  std::string frames = frameOf({1}) + frameOf({2}) + frameOf({3}).substr(0, 20);
  auto writing = pipe.out->write(frames.data(), frames.size()).eagerlyEvaluate(nullptr);
  EXPECT_TRUE(reader.read().wait(waitScope_) != nullptr);
  EXPECT_TRUE(reader.takeArrived() != nullptr);
  EXPECT_TRUE(reader.takeArrived() == nullptr);
}

TEST_F(FrameTest, BigFrameArrivesWholeFromAnyPieces) {
  limits_.bytesMax = kFrameBytesMax;
  std::string frame = frameOf({100'000, 31'000});
  for (size_t i = 16; i < frame.size(); ++i) frame[i] = static_cast<char>(i * 7);
  for (size_t piece : {size_t{1000}, size_t{65536}, SIZE_MAX}) {
    auto outcome = feed(frame + frameOf({1}) + frame, piece);
    EXPECT_EQ(outcome.frames, 3);
    EXPECT_TRUE(outcome.lastBytes == frame) << piece;
  }
}

TEST_F(FrameTest, TruncationIsAnErrorAtEveryPoint) {
  std::string frame = frameOf({2, 1, 1});
  for (size_t length = 1; length < frame.size(); ++length) {
    auto outcome = feed(frame.substr(0, length));
    EXPECT_EQ(outcome.frames, 0) << length;
    EXPECT_EQ(outcome.failure, Kind::INVALID) << length;
  }
}

TEST_F(FrameTest, SegmentCountsBeyondTheLimitAreRefused) {
  for (uint32_t count : {0xffffffffu, 0xfffffffeu, 0x7fffffffu, 512u, 511u, 65u, 64u}) {
    EXPECT_EQ(feed(number(count) + number(0xffffffff) + std::string(4096, 'x')).failure,
              Kind::INVALID)
        << count;
  }
  EXPECT_EQ(feed(frameOf(std::vector<uint32_t>(64, 1))).frames, 1);
  EXPECT_EQ(feed(frameOf(std::vector<uint32_t>(63, 1))).frames, 1);
}

TEST_F(FrameTest, EightBytesThatOverflowTheLibraryAreRefused) {
  EXPECT_EQ(feed(std::string(8, '\xff')).failure, Kind::INVALID);
  EXPECT_EQ(feed(std::string(8, '\xff')).frames, 0);
}

TEST_F(FrameTest, SizesAreCheckedBeforeAnythingIsAllocated) {
  uint32_t cap = kFrameBytesMaxStranger / 8;
  EXPECT_EQ(feed(frameOf({cap - 1})).frames, 1);
  EXPECT_EQ(feed(frameOf({cap})).failure, Kind::INVALID);
  EXPECT_EQ(feed(number(0) + number(0xffffffff)).failure, Kind::INVALID);
  EXPECT_EQ(feed(number(1) + number(0xffffffff) + number(0xffffffff) + number(0)).failure,
            Kind::INVALID);
  std::string all = number(63);
  for (int i = 0; i < 64; ++i) all += number(0xffffffff);
  EXPECT_EQ(feed(all + number(0)).failure, Kind::INVALID);
}

TEST_F(FrameTest, EmptyFramesAreRefused) {
  EXPECT_EQ(feed(frameOf({0})).failure, Kind::INVALID);
  EXPECT_EQ(feed(frameOf(std::vector<uint32_t>(64, 0))).failure, Kind::INVALID);
  EXPECT_EQ(feed(frameOf({0, 1})).failure, Kind::INVALID);
}

TEST_F(FrameTest, OtherProtocolsAreRefused) {
  EXPECT_EQ(feed("GET / HTTP/1.1\r\nHost: x\r\n\r\n").failure, Kind::INVALID);
  EXPECT_EQ(feed("SSH-2.0-OpenSSH_9.2\r\n").failure, Kind::INVALID);
  EXPECT_EQ(feed("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").failure, Kind::INVALID);
  EXPECT_EQ(feed("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03").failure, Kind::INVALID);
}

TEST_F(FrameTest, TrailingGarbageDoesNotSpoilTheFrameBefore) {
  auto outcome = feed(frameOf({1}) + "garbage that is no frame");
  EXPECT_EQ(outcome.frames, 1);
  EXPECT_EQ(outcome.failure, Kind::INVALID);
}

TEST_F(FrameTest, FrameThatStallsTimesOutButSilenceBetweenFramesDoesNot) {
  auto pipe = kj::newOneWayPipe();
  FrameReader reader(*pipe.in, timer_, limits_);
  auto reading = reader.read();
  timer_.advanceTo(timer_.now() + 1 * kj::HOURS);
  EXPECT_FALSE(reading.poll(waitScope_));
  std::string frame = frameOf({4});
  auto writing = pipe.out->write(frame.data(), 20).eagerlyEvaluate([](kj::Exception&&) {});
  EXPECT_FALSE(reading.poll(waitScope_));
  timer_.advanceTo(timer_.now() + limits_.deadline);
  ASSERT_TRUE(reading.poll(waitScope_));
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { reading.wait(waitScope_); })) {
    EXPECT_EQ(toFailure(*exception, "test").kind, Kind::TIMEOUT);
  } else {
    ADD_FAILURE() << "the frame was accepted";
  }
}

// The result of forwarding `input`: all bytes that were passed on, and the reason of the end.
class ForwardingTest : public FrameTest {
 protected:
  void forward(const std::string& input) {
    auto pipe = kj::newOneWayPipe();
    FrameReader reader(*pipe.in, timer_, limits_);
    auto writing = write(*pipe.out, input, 1000)
                       .then([&]() { pipe.out = nullptr; })
                       .eagerlyEvaluate([](kj::Exception&&) {});
    auto failed = kj::runCatchingExceptions([&]() {
      while (!reader.isEmpty() || reader.awaitArrival().wait(waitScope_)) passOn(reader);
    });
    KJ_IF_MAYBE (exception, failed) failure_ = toFailure(*exception, "test").kind;
  }

  void passOn(FrameReader& reader) {
    auto begun = reader.takeBegun(2000);
    KJ_IF_MAYBE (frame, begun) {
      ++begun_;
      add(frame->bytes);
      kj::byte space[700];
      for (size_t left = frame->leftBytes; left > 0;) {
        auto wanted = kj::arrayPtr(space, std::min(left, sizeof space));
        size_t count = reader.readRest(wanted, std::min<size_t>(left, 300)).wait(waitScope_);
        add(wanted.slice(0, count));
        left -= count;
      }
      return;
    }
    auto whole = reader.read().wait(waitScope_);
    add(KJ_ASSERT_NONNULL(whole).bytes());
  }

  void add(kj::ArrayPtr<const kj::byte> bytes) {
    passed_.append(bytes.asChars().begin(), bytes.size());
  }

  int begun_ = 0;
  std::string passed_;
  Kind failure_ = Kind::UNSPECIFIED;
};

TEST_F(ForwardingTest, LargeFramesAreForwardedWhileTheyArrive) {
  std::string frames = frameOf({3}) + frameOf({1000, 37}, 'a') + frameOf({2}) + frameOf({600}, 'b');
  forward(frames);
  EXPECT_TRUE(passed_ == frames);
  EXPECT_EQ(begun_, 2);
  EXPECT_EQ(failure_, Kind::UNSPECIFIED);
}

TEST_F(ForwardingTest, TooLargeFrameIsNotForwardedAtAll) {
  limits_.bytesMax = 8000;
  forward(frameOf({3}) + frameOf({1000}));
  EXPECT_TRUE(passed_ == frameOf({3}));
  EXPECT_EQ(failure_, Kind::INVALID);
}

TEST_F(ForwardingTest, TruncationFailsForwardingToo) {
  forward(frameOf({1000}).substr(0, 7999));
  EXPECT_EQ(failure_, Kind::INVALID);
}

TEST_F(FrameTest, ForwardedFrameTimesOutLikeOthers) {
  auto pipe = kj::newOneWayPipe();
  FrameReader reader(*pipe.in, timer_, limits_);
  std::string frame = frameOf({1000});
  auto writing = pipe.out->write(frame.data(), 1000).eagerlyEvaluate(nullptr);
  reader.awaitArrival().wait(waitScope_);
  ASSERT_TRUE(reader.takeBegun(0) != nullptr);
  timer_.advanceTo(timer_.now() + limits_.deadline);  // Spent elsewhere, by who passes it on.
  kj::byte space[4000];
  auto first = reader.readRest(space, 100);
  EXPECT_FALSE(first.poll(waitScope_));
  timer_.advanceTo(timer_.now() + limits_.deadline / 2);
  auto more = pipe.out->write(frame.data() + 1000, 100).eagerlyEvaluate(nullptr);
  EXPECT_EQ(first.wait(waitScope_), 100u);
  auto second = reader.readRest(space, 100);
  timer_.advanceTo(timer_.now() + limits_.deadline / 2);
  ASSERT_TRUE(second.poll(waitScope_));
  EXPECT_ANY_THROW(second.wait(waitScope_));
}

TEST_F(FrameTest, SignalsAreRefusedUnlessExpected) {
  SignalBytes signal = signalBytes(7);
  std::string bytes(reinterpret_cast<const char*>(signal.bytes), sizeof signal.bytes);
  EXPECT_EQ(feed(bytes).failure, Kind::INVALID);
  signals_ = Signals::kUnderstood;
  for (size_t piece : {size_t{1}, SIZE_MAX}) {
    EXPECT_EQ(feed(frameOf({1}) + bytes + frameOf({2}), piece).frames, 3);
    EXPECT_EQ(lastSignal_, 7u);
  }
}

TEST_F(FrameTest, SignalOfNumberZeroIsRefused) {
  signals_ = Signals::kUnderstood;
  SignalBytes signal = signalBytes(0);
  auto outcome =
      feed(std::string(reinterpret_cast<const char*>(signal.bytes), sizeof signal.bytes));
  EXPECT_EQ(outcome.failure, Kind::INVALID);
  EXPECT_EQ(outcome.frames, 0);
}

TEST_F(FrameTest, ReaderSeesTheSegments) {
  auto pipe = kj::newOneWayPipe();
  FrameReader reader(*pipe.in, timer_, limits_);
  std::string frame = frameOf({1, 2});
  auto writing = pipe.out->write(frame.data(), frame.size()).eagerlyEvaluate(nullptr);
  auto whole = reader.read().wait(waitScope_);
  auto message = Frame::intoReader(kj::mv(KJ_ASSERT_NONNULL(whole)), {});
  EXPECT_EQ(message->getSegment(0).size(), 1u);
  EXPECT_EQ(message->getSegment(1).size(), 2u);
  EXPECT_EQ(message->getSegment(2).size(), 0u);
}

}  // namespace
}  // namespace support
