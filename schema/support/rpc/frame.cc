#include "schema/support/rpc/frame.h"

#include <string.h>

#include <kj/debug.h>

#include "schema/support/base/wire_error.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;

// Many small messages come with one system call; a bigger one is read straight into its own memory.
// An idle connection holds a small buffer, and one that fills it gets the larger one.
constexpr size_t kBufferBytesIdle = 2 << 10;
constexpr size_t kBufferBytesBusy = 16 << 10;
// Holds a bulk frame without growing.
constexpr size_t kFirstBodyBytes = kChunkBytesMax + (64 << 10);
constexpr uint32_t kSignalMark = 0xffffffff;

uint32_t numberAt(const kj::byte* position) {
  return position[0] | position[1] << 8 | position[2] << 16 | uint32_t{position[3]} << 24;
}

// Reads from a frame's segments in place.
class FrameMessageReader final : public capnp::MessageReader {
 public:
  FrameMessageReader(kj::Array<capnp::word> words, size_t tableWords,
                     capnp::ReaderOptions readerOptions)
      : MessageReader(readerOptions), words_(kj::mv(words)) {
    const kj::byte* table = words_.asBytes().begin();
    size_t count = size_t{numberAt(table)} + 1;  // Checked against the limit when it was read.
    auto builder = kj::heapArrayBuilder<kj::ArrayPtr<const capnp::word>>(count);
    size_t position = tableWords;
    for (size_t i = 0; i < count; ++i) {
      size_t size = numberAt(table + 4 + 4 * i);
      builder.add(words_.slice(position, position + size));
      position += size;
    }
    segments_ = builder.finish();
  }

  kj::ArrayPtr<const capnp::word> getSegment(unsigned int id) override {
    return id < segments_.size() ? segments_[id] : nullptr;
  }

 private:
  kj::Array<capnp::word> words_;
  kj::Array<kj::ArrayPtr<const capnp::word>> segments_;
};

}  // namespace

uint32_t Frame::signalNumber() const {
  return numberAt(words_.asBytes().begin() + 4);
}

kj::Own<capnp::MessageReader> Frame::intoReader(Frame&& frame, capnp::ReaderOptions options) {
  return kj::heap<FrameMessageReader>(kj::mv(frame.words_), frame.tableWords_, options);
}

SignalBytes signalBytes(uint32_t number) {
  SignalBytes signal;
  memset(signal.bytes, 0xff, 4);
  for (int i = 0; i < 4; ++i) signal.bytes[4 + i] = static_cast<kj::byte>(number >> (8 * i));
  return signal;
}

FrameReader::FrameReader(kj::AsyncInputStream& input, kj::Timer& timer, FrameLimits limits,
                         Signals signals)
    : input_(input),
      timer_(timer),
      limits_(limits),
      signals_(signals),
      lastArrival_(timer.now()),
      buffer_(kj::heapArray<kj::byte>(kBufferBytesIdle)) {
  // The table of the largest allowed segment count must fit into the buffer.
  KJ_REQUIRE(4 * (uint64_t{limits.segmentsMax} + 2) <= kBufferBytesIdle,
             "too many segments allowed");
}

kj::Promise<kj::Maybe<Frame>> FrameReader::read() {
  if (!isEmpty()) return readBuffered();
  return awaitArrival().then([this](bool hasArrived) -> kj::Promise<kj::Maybe<Frame>> {
    if (!hasArrived) return kj::Maybe<Frame>(nullptr);
    return readBuffered();
  });
}

kj::Promise<bool> FrameReader::awaitArrival() {
  KJ_REQUIRE(isEmpty(), "something has arrived that was not taken");
  adapt();
  return input_.tryRead(buffer_.begin(), 1, buffer_.size()).then([this](size_t count) {
    end_ = count;
    if (count > 0) lastArrival_ = timer_.now();
    return count > 0;
  });
}

// Chooses the buffer's size by the count that the last read brought, which is still in end_. The
// buffer itself is empty.
void FrameReader::adapt() {
  size_t wanted = buffer_.size();
  if (end_ == buffer_.size()) wanted = kBufferBytesBusy;
  if (end_ < kBufferBytesIdle / 2) wanted = kBufferBytesIdle;
  if (wanted != buffer_.size()) buffer_ = kj::heapArray<kj::byte>(wanted);
  begin_ = end_ = 0;
}

kj::Maybe<Frame> FrameReader::takeArrived() {
  KJ_IF_MAYBE (table, parseTable()) {
    size_t totalBytes = table->totalWords * sizeof(capnp::word);
    if (buffered().size() >= totalBytes) {
      auto words = kj::heapArray<capnp::word>(table->totalWords);
      memcpy(words.begin(), buffered().begin(), totalBytes);
      begin_ += totalBytes;
      return Frame(kj::mv(words), table->tableWords);
    }
  }
  return nullptr;
}

kj::ArrayPtr<const kj::byte> FrameReader::takeAllArrived() {
  size_t begin = begin_;
  for (;;) {
    KJ_IF_MAYBE (table, parseTable()) {
      size_t totalBytes = table->totalWords * sizeof(capnp::word);
      bool isSignal = table->tableWords == 0;
      if (isSignal || buffered().size() < totalBytes) break;
      begin_ += totalBytes;
    } else {
      break;
    }
  }
  return buffer_.slice(begin, begin_);
}

kj::Maybe<FrameReader::Begun> FrameReader::takeBegun(size_t bytesMin) {
  KJ_IF_MAYBE (table, parseTable()) {
    size_t totalBytes = table->totalWords * sizeof(capnp::word);
    bool isWhole = buffered().size() >= totalBytes;
    if (isWhole || totalBytes <= bytesMin) return nullptr;
    auto bytes = buffered();
    // Everything that has arrived belongs to this frame, since it is not whole yet.
    begin_ = end_;
    restAllowed_ = limits_.deadline;
    return Begun{bytes, totalBytes - bytes.size()};
  }
  return nullptr;
}

kj::Promise<size_t> FrameReader::readRest(kj::ArrayPtr<kj::byte> space, size_t bytesMin) {
  // Only the time spent waiting here counts against the frame. The time that the other side takes
  // to accept the bytes is not the sender's fault.
  auto begin = timer_.now();
  auto limit = deadline(restAllowed_).then([]() -> size_t { return 0; });
  return input_.tryRead(space.begin(), bytesMin, space.size())
      .exclusiveJoin(kj::mv(limit))
      .then([this, begin, bytesMin](size_t count) {
        if (count < bytesMin) fail(Kind::INVALID, "the stream ended within a frame");
        lastArrival_ = timer_.now();
        restAllowed_ -= kj::min(lastArrival_ - begin, restAllowed_);
        return count;
      });
}

// Rejects when a frame may take no longer.
kj::Promise<void> FrameReader::deadline(kj::Duration left) {
  return timer_.afterDelay(left).then([this]() {
    fail(Kind::TIMEOUT, "a frame was not complete ", limits_.deadline / kj::MILLISECONDS,
         " ms after it began");
  });
}

kj::Promise<kj::Maybe<Frame>> FrameReader::readBuffered() {
  KJ_IF_MAYBE (frame, takeArrived()) return kj::Maybe<Frame>(kj::mv(*frame));
  auto limit = deadline(limits_.deadline).then([]() -> kj::Maybe<Frame> { return nullptr; });
  return fill().exclusiveJoin(kj::mv(limit));
}

// Parses and checks the table at the front of the buffer; null while it is not complete.
kj::Maybe<FrameReader::Table> FrameReader::parseTable() const {
  auto bytes = buffered();
  if (bytes.size() < 4) return nullptr;
  uint64_t count = uint64_t{numberAt(bytes.begin())} + 1;
  if (count == uint64_t{kSignalMark} + 1 && signals_ == Signals::kUnderstood) {
    if (bytes.size() < sizeof(SignalBytes)) return nullptr;
    // A reader that does not understand signals would take it for a message of 2^32 segments.
    if (numberAt(bytes.begin() + 4) == 0) fail(Kind::INVALID, "a signal of number 0");
    return Table{0, 1};
  }
  if (count > limits_.segmentsMax) {
    fail(Kind::INVALID, "a frame of ", count, " segments, at most ", limits_.segmentsMax,
         " are allowed");
  }
  uint64_t tableWords =
      (count + 2) / 2;  // 4 bytes for the count and each segment, rounded up to words.
  if (bytes.size() < tableWords * sizeof(capnp::word)) return nullptr;
  uint64_t totalWords = tableWords;
  for (uint64_t i = 0; i < count; ++i) totalWords += numberAt(bytes.begin() + 4 + 4 * i);
  // The sum cannot overflow: it has at most segmentsMax summands of 32 bits.
  if (totalWords > limits_.bytesMax / sizeof(capnp::word)) {
    fail(Kind::INVALID, "a frame of ", totalWords * sizeof(capnp::word), " bytes, at most ",
         limits_.bytesMax, " are allowed");
  }
  if (numberAt(bytes.begin() + 4) == 0) fail(Kind::INVALID, "a frame with an empty first segment");
  return Table{static_cast<size_t>(tableWords), static_cast<size_t>(totalWords)};
}

// Reads on until the frame that begins in the buffer is complete.
kj::Promise<kj::Maybe<Frame>> FrameReader::fill() {
  KJ_IF_MAYBE (table, parseTable()) {
    size_t totalBytes = table->totalWords * sizeof(capnp::word);
    auto words =
        kj::heapArray<capnp::word>(kj::min(totalBytes, kFirstBodyBytes) / sizeof(capnp::word));
    size_t present = kj::min(buffered().size(), totalBytes);
    memcpy(words.begin(), buffered().begin(), present);
    begin_ += present;
    return readBody(kj::mv(words), present, *table).then([](Frame&& frame) {
      return kj::Maybe<Frame>(kj::mv(frame));
    });
  }
  // The table is not complete yet. It is moved to the front, so that the rest of it fits behind.
  memmove(buffer_.begin(), buffer_.begin() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  return input_.tryRead(buffer_.begin() + end_, 1, buffer_.size() - end_)
      .then([this](size_t count) -> kj::Promise<kj::Maybe<Frame>> {
        if (count == 0) fail(Kind::INVALID, "the stream ended within a frame's table");
        end_ += count;
        lastArrival_ = timer_.now();
        return fill();
      });
}

// Reads the body. Memory grows with the bytes that arrive, so that a claim alone costs little: the
// pages of the first allocation that nothing arrived for are not resident.
kj::Promise<Frame> FrameReader::readBody(kj::Array<capnp::word> words, size_t filledBytes,
                                         Table table) {
  size_t totalBytes = table.totalWords * sizeof(capnp::word);
  if (filledBytes == totalBytes) return Frame(kj::mv(words), table.tableWords);
  if (filledBytes == words.asBytes().size()) {
    auto larger = kj::heapArray<capnp::word>(kj::min(words.size() * 2, table.totalWords));
    memcpy(larger.begin(), words.begin(), filledBytes);
    words = kj::mv(larger);
  }
  auto space = words.asBytes().slice(filledBytes, words.asBytes().size());
  return input_.tryRead(space.begin(), 1, space.size())
      .then([this, words = kj::mv(words), filledBytes,
             table](size_t count) mutable -> kj::Promise<Frame> {
        if (count == 0) fail(Kind::INVALID, "the stream ended within a frame");
        lastArrival_ = timer_.now();
        return readBody(kj::mv(words), filledBytes + count, table);
      });
}

}  // namespace support
