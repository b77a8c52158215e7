// One Cap'n Proto message as it goes over a stream: read whole, checked before it is believed, kept
// as it came.
//
// Not the library's own reader, because that of 0.9.2 writes out of bounds on a segment count of
// 2^32-1, allocates what a peer merely claims, and waits for ever. What the message means is not
// looked at here.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <capnp/message.h>
#include <kj/async-io.h>
#include <kj/timer.h>

namespace support {

// Before `hello` succeeded a peer may send this much at once.
constexpr size_t kFrameBytesMaxStranger = 64 << 10;

// Afterwards: Limits.frameBytesMax. A chunk of kChunkBytesMax fits with all that goes around it.
constexpr size_t kFrameBytesMax = 4 << 20;
constexpr size_t kChunkBytesMax = 1 << 20;

struct FrameLimits {
  size_t bytesMax = kFrameBytesMaxStranger;  // Of a frame with its segment table.
  uint32_t segmentsMax = 64;
  kj::Duration deadline = 10 * kj::SECONDS;  // From a frame's first byte to its last.
};

// How the agent's two processes talk about a connection between its frames: see Frame::signal.
enum class Signals { kRefused, kUnderstood };

// A frame: segment table and segments, exactly the bytes of the stream. Owns them.
class Frame {
 public:
  Frame(kj::Array<capnp::word> words, size_t tableWords)
      : words_(kj::mv(words)), tableWords_(tableWords) {}

  // For forwarding.
  kj::ArrayPtr<const kj::byte> bytes() const { return words_.asBytes(); }

  // Of a signal between front and keeper, its number; frames of messages have 0.
  uint32_t signal() const { return tableWords_ == 0 ? signalNumber() : 0; }

  // A reader over the bytes, which it takes along.
  static kj::Own<capnp::MessageReader> intoReader(Frame&& frame, capnp::ReaderOptions options);

  size_t tableWords() const { return tableWords_; }

 private:
  uint32_t signalNumber() const;

  kj::Array<capnp::word> words_;
  size_t tableWords_;
};

// Eight bytes that no frame begins with. `number` is not 0: who reads that refuses it.
struct SignalBytes {
  kj::byte bytes[8];
};
SignalBytes signalBytes(uint32_t number);

// Reads frames one after the other. For one stream, one reader and one read at a time.
class FrameReader {
 public:
  // `input` and `timer` outlive the reader.
  FrameReader(kj::AsyncInputStream& input, kj::Timer& timer, FrameLimits limits,
              Signals signals = Signals::kRefused);

  // The next frame; null at the stream's end between two frames. Rejected with a failure of kind
  // invalid (no valid frame, or more than a limit), timeout, or what the stream reports. After that
  // the stream cannot be read any further.
  kj::Promise<kj::Maybe<Frame>> read();

  // A further frame that has arrived whole already; null: read() would wait. Fails as read does.
  kj::Maybe<Frame> takeArrived();

  // Likewise all of them at once, up to the next signal, for forwarding; empty: none. The bytes are
  // the reader's, until it is used again.
  kj::ArrayPtr<const kj::byte> takeAllArrived();

  // For forwarding a frame of more than `bytesMin` while it arrives: what of it is here, with its
  // table checked, and how much is to come, which readRest brings. Null: the next frame is smaller,
  // whole or a signal, or its table is not here yet. The bytes are the reader's, as above.
  struct Begun {
    kj::ArrayPtr<const kj::byte> bytes;
    size_t leftBytes;
  };
  kj::Maybe<Begun> takeBegun(size_t bytesMin);

  // The next at least `bytesMin` bytes of such a frame, into `space`, which is no larger than what
  // is left of it. Rejected as read is; of the deadline, only the time counts that was spent here.
  kj::Promise<size_t> readRest(kj::ArrayPtr<kj::byte> space, size_t bytesMin);

  // For who handles most frames by the ones above: resolves when something has arrived, with false
  // at the stream's end. To be called when nothing that has arrived is left, see isEmpty.
  kj::Promise<bool> awaitArrival();
  bool isEmpty() const { return begin_ == end_; }

  // For the frames that are read from now on.
  void setBytesMax(size_t bytesMax) { limits_.bytesMax = bytesMax; }

  // When bytes last arrived; the time of construction before any did.
  kj::TimePoint lastArrival() const { return lastArrival_; }

 private:
  struct Table {
    size_t tableWords = 0;
    size_t totalWords = 0;
  };

  void adapt();
  kj::Promise<void> deadline(kj::Duration left);
  kj::Promise<kj::Maybe<Frame>> readBuffered();
  kj::Maybe<Table> parseTable() const;
  kj::Promise<kj::Maybe<Frame>> fill();
  kj::Promise<Frame> readBody(kj::Array<capnp::word> words, size_t filledBytes, Table table);
  kj::ArrayPtr<const kj::byte> buffered() const { return buffer_.slice(begin_, end_); }

  kj::AsyncInputStream& input_;
  kj::Timer& timer_;
  FrameLimits limits_;
  Signals signals_;
  kj::TimePoint lastArrival_;
  kj::Duration restAllowed_ = 0 * kj::SECONDS;  // For what is left of a frame that was begun.
  kj::Array<kj::byte> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace support
