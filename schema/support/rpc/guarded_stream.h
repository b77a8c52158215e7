// The message stream under every RPC connection of Muster. It stops the harm that a hostile, slow
// or broken peer can do through the transport: frames are bounded (frame.h), and so are open
// questions and the queue towards the peer. It does not time calls; heartbeats are the caller's.
#pragma once

#include <stddef.h>

#include <capnp/serialize-async.h>
#include <kj/async-io.h>
#include <kj/function.h>
#include <kj/timer.h>
#include <kj/vector.h>

#include "schema/support/rpc/frame.h"

namespace support {

// Returns the options of RPC readers: a message may be looked at twice over, and may nest no deeper
// than any of ours does.
capnp::ReaderOptions readerOptions();

struct GuardOptions {
  FrameLimits frame;
  // Counts over the connection's whole life.
  size_t bootstrapsMax = 4;
  // Counts open calls and bootstraps of the peer.
  size_t questionsMax = 1024;
  // Above these lengths of the queue towards the peer, nothing more is read from it. A client must
  // go on reading whatever happens, or two full queues wait for each other for ever. It sets both
  // to SIZE_MAX and bounds its calls instead.
  size_t queueMessagesMax = 256;
  size_t queueBytesMax = 16 << 20;
};

// Returns the options for a stream whose other end is an agent.
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

  // Sets the function that measures the queue above this stream, which TwoPartyVatNetwork keeps.
  void setQueueProbe(kj::Function<Queue()> probe) { probe_ = kj::mv(probe); }

  // Raises the limit of frames once the peer has proved itself.
  void setFrameBytesMax(size_t bytesMax) { reader_.setBytesMax(bytesMax); }

  // Sets a function that is called with each message that has arrived.
  void onArrival(kj::Function<void()> callback) { arrival_ = kj::mv(callback); }

  // Returns when bytes last came from the peer.
  kj::TimePoint lastArrival() const { return reader_.lastArrival(); }

  // Returns whether reading has ended or writing has failed for good.
  bool ended() const { return readEnded_ || broken_ != nullptr; }

  // Sends a signal (frame.h) behind everything written so far.
  void sendSignal(uint32_t number);

  kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> tryReadMessage(
      kj::ArrayPtr<kj::AutoCloseFd> fdSpace, capnp::ReaderOptions options,
      kj::ArrayPtr<capnp::word> scratchSpace) override;

  // Small messages of one turn of the event loop go out together. A small message that only says
  // that an answer is done with waits for the next message, whichever that is, because nobody waits
  // for it.
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

  // The state of a question of ours. Its number is used again once it is answered and finished.
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
  // Indexed by number, for the first kQuestionsNoted.
  kj::Vector<Question> asked_;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> queueWaiter_;

  // Bytes that the stream has not been given yet.
  kj::Vector<kj::byte> pending_;
  bool flushScheduled_ = false;
  bool readEnded_ = false;
  // Says why writing failed.
  kj::Maybe<kj::Exception> broken_;
  // Settles with the write that was begun last.
  kj::ForkedPromise<void> writing_;
  kj::Promise<void> flushing_;
};

}  // namespace support
