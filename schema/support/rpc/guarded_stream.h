// The message stream under every RPC connection of Muster: what a hostile, slow or broken peer can
// do to us through the transport ends here. Frames are bounded (frame.h), so are open questions and
// the queue towards the peer.
#pragma once

#include <stddef.h>

#include <capnp/serialize-async.h>
#include <kj/async-io.h>
#include <kj/function.h>
#include <kj/timer.h>
#include <kj/vector.h>

#include "schema/support/rpc/frame.h"

namespace support {

// For RPC readers: a message may be looked at twice over, and not nest deeper than any of ours
// does.
capnp::ReaderOptions readerOptions();

struct GuardOptions {
  FrameLimits frame;
  size_t bootstrapsMax = 4;    // Over the connection's whole life.
  size_t questionsMax = 1024;  // Open calls and bootstraps of the peer.
  // The queue towards the peer above which nothing more is read from it. A client must go on
  // reading whatever happens, or two full queues wait for each other for ever: it sets both to
  // SIZE_MAX and bounds its calls instead.
  size_t queueMessagesMax = 256;
  size_t queueBytesMax = 16 << 20;
};

// For a stream whose other end is an agent.
GuardOptions clientGuardOptions();

class GuardedStream final : public capnp::MessageStream {
 public:
  struct Queue {
    size_t messages = 0;
    size_t bytes = 0;
  };

  // `stream` and `timer` outlive this.
  GuardedStream(kj::AsyncIoStream& stream, kj::Timer& timer, GuardOptions options);
  ~GuardedStream() noexcept(false);

  // Tells how much waits above this stream; TwoPartyVatNetwork keeps that queue.
  void setQueueProbe(kj::Function<Queue()> probe) { probe_ = kj::mv(probe); }

  // The peer has proved itself.
  void setFrameBytesMax(size_t bytesMax) { reader_.setBytesMax(bytesMax); }

  // Called with each message that has arrived.
  void onArrival(kj::Function<void()> callback) { arrival_ = kj::mv(callback); }

  // When bytes last came from the peer.
  kj::TimePoint lastArrival() const { return reader_.lastArrival(); }

  // Nothing will be read any more, or nothing can be written.
  bool ended() const { return readEnded_ || broken_ != nullptr; }

  // Sends a signal (frame.h) behind what was written so far.
  void sendSignal(uint32_t number);

  kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> tryReadMessage(
      kj::ArrayPtr<kj::AutoCloseFd> fdSpace, capnp::ReaderOptions options,
      kj::ArrayPtr<capnp::word> scratchSpace) override;

  // Small messages of one turn of the event loop go out together. That a small answer is done with
  // goes out with the next message, whatever that is: nobody waits for it.
  kj::Promise<void> writeMessage(
      kj::ArrayPtr<const int> fds,
      kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) override;
  kj::Promise<void> writeMessages(
      kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) override;
  kj::Maybe<int> getSendBufferSize() override;
  kj::Promise<void> end() override;

 private:
  using Message = kj::Maybe<capnp::MessageReaderAndFds>;
  using Segments = kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>;

  // What became of a question of ours. Its number is used again once it is answered and finished.
  enum class Question : uint8_t { kOpen, kAnswered, kAnsweredAtLength, kCancelled };

  bool queueIsFull();
  kj::Promise<void> waitForQueue();
  kj::Promise<Message> readMessage(capnp::ReaderOptions options);
  kj::Promise<Message> nextMessage(capnp::ReaderOptions options);
  Message accept(Frame&& frame, capnp::ReaderOptions options);
  void count(capnp::MessageReader& message, size_t bytes);
  Question* question(uint32_t number);
  void noteAnswer(uint32_t number, size_t bytes);
  bool mayWait(Segments segments, size_t bytes);
  void append(kj::ArrayPtr<const kj::byte> bytes);
  kj::Promise<void> flush();
  void flushSoon();
  template <typename Write>
  kj::Promise<void> afterWrites(Write&& write);
  void wrote();

  kj::AsyncIoStream& stream_;
  GuardOptions options_;
  FrameReader reader_;
  kj::Function<Queue()> probe_;
  kj::Function<void()> arrival_;
  size_t bootstraps_ = 0;
  size_t questions_ = 0;
  kj::Vector<Question> asked_;  // By number, of the first kQuestionsNoted.
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> queueWaiter_;

  kj::Vector<kj::byte> pending_;  // Not yet given to the stream.
  bool flushScheduled_ = false;
  bool readEnded_ = false;
  kj::Maybe<kj::Exception> broken_;  // Why writing failed.
  kj::ForkedPromise<void> writing_;  // The last write that was begun.
  kj::Promise<void> flushing_;
};

}  // namespace support
