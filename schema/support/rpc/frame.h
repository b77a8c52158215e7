// Reads Cap'n Proto messages from a stream as frames: each is read whole, checked before it is
// believed, and kept as it came.
//
// It replaces the library's own reader, because that of 0.9.2 writes out of bounds on a segment
// count of 2^32-1, allocates the memory that a peer merely claims, and waits for ever. It does not
// look at a message's meaning.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <capnp/message.h>
#include <kj/async-io.h>
#include <kj/timer.h>

namespace support {

// Bounds a frame from a peer whose `hello` has not succeeded yet.
constexpr size_t kFrameBytesMaxStranger = 64 << 10;

// Bounds a frame afterwards (Limits.frameBytesMax). A chunk of kChunkBytesMax fits with all that
// surrounds it.
constexpr size_t kFrameBytesMax = 4 << 20;
constexpr size_t kChunkBytesMax = 1 << 20;

struct FrameLimits {
  // Counts the frame with its segment table.
  size_t bytesMax = kFrameBytesMaxStranger;
  uint32_t segmentsMax = 64;
  // Runs from a frame's first byte to its last.
  kj::Duration deadline = 10 * kj::SECONDS;
};

// Says whether a reader understands signals (see Frame::signal), by which the agent's two processes
// talk about a connection between its frames.
enum class Signals { kRefused, kUnderstood };

// One frame: segment table and segments, exactly the bytes of the stream. It owns them.
class Frame {
 public:
  Frame(kj::Array<capnp::word> words, size_t tableWords)
      : words_(kj::mv(words)), tableWords_(tableWords) {}

  // Returns the whole frame, for forwarding.
  kj::ArrayPtr<const kj::byte> bytes() const { return words_.asBytes(); }

  // Returns the number of a signal between front and keeper; 0 for a message's frame.
  uint32_t signal() const { return tableWords_ == 0 ? signalNumber() : 0; }

  // Makes a reader over the bytes and moves the frame into it.
  static kj::Own<capnp::MessageReader> intoReader(Frame&& frame, capnp::ReaderOptions options);

  size_t tableWords() const { return tableWords_; }

 private:
  uint32_t signalNumber() const;

  kj::Array<capnp::word> words_;
  size_t tableWords_;
};

// The eight bytes of a signal, with which no frame begins. `number` is not 0. A reader that does
// not understand signals refuses them.
struct SignalBytes {
  kj::byte bytes[8];
};
SignalBytes signalBytes(uint32_t number);

// Reads frames one after the other. A stream has one reader, and a reader one read at a time.
class FrameReader {
 public:
  // `input` and `timer` outlive the reader.
  FrameReader(kj::AsyncInputStream& input, kj::Timer& timer, FrameLimits limits,
              Signals signals = Signals::kRefused);

  // Reads the next frame; null at the stream's end between two frames. Rejected with a failure of
  // kind invalid (no valid frame, or more than a limit), timeout, or the stream's own. The stream
  // cannot be read any further after a failure.
  kj::Promise<kj::Maybe<Frame>> read();

  // Takes a further frame that has arrived whole already; null if read() would wait. Fails as read
  // does.
  kj::Maybe<Frame> takeArrived();

  // Takes all frames that have arrived whole, up to the next signal, for forwarding; empty if there
  // are none. The bytes belong to the reader and last until its next use. Fails as read does.
  kj::ArrayPtr<const kj::byte> takeAllArrived();

  // Begins to forward a frame of more than `bytesMin` while it arrives. The result is the part that
  // is here, its table checked, and the count of bytes to come, which readRest brings. Null if the
  // next frame is smaller, whole or a signal, or its table is not here yet. The bytes belong to the
  // reader and last until its next use.
  struct Begun {
    kj::ArrayPtr<const kj::byte> bytes;
    size_t leftBytes;
  };
  kj::Maybe<Begun> takeBegun(size_t bytesMin);

  // Reads at least `bytesMin` further bytes of such a frame into `space`, which is no larger than
  // the rest of the frame. Rejected as read is; the deadline counts only the time spent in this
  // call.
  kj::Promise<size_t> readRest(kj::ArrayPtr<kj::byte> space, size_t bytesMin);

  // Resolves when something has arrived, with false at the stream's end. It is for callers that
  // handle most frames by the methods above; call it when everything that arrived has been taken
  // (isEmpty).
  kj::Promise<bool> awaitArrival();
  bool isEmpty() const { return begin_ == end_; }

  // Sets the limit for the frames that are read from now on.
  void setBytesMax(size_t bytesMax) { limits_.bytesMax = bytesMax; }

  // Returns when bytes last arrived, or the time of construction before any did.
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
  // Bounds the rest of a frame that was begun.
  kj::Duration restAllowed_ = 0 * kj::SECONDS;
  kj::Array<kj::byte> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace support
