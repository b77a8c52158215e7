// Carries the bytes of one connected socket both ways, by offset: what the controller has not
// acknowledged is kept for it, and what it sends twice is taken once. Each way has a window, which
// holds back the side that is faster.
#pragma once

#include <stdint.h>

#include <string>

#include <kj/async-io.h>
#include <kj/refcount.h>
#include <kj/timer.h>

#include "nodeagent/session/change_signal.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::forward {

constexpr size_t kWindowBytes = 1 << 20;
constexpr kj::Duration kDrainMax = 60 * kj::SECONDS;

// Says whether the socket's input ends with a chunk.
enum class AfterChunk { kMore, kEnd };

class ByteStream final : public kj::Refcounted {
 public:
  // `timer` outlives it.
  ByteStream(kj::Timer& timer, kj::Own<kj::AsyncIoStream> socket);
  ~ByteStream() noexcept(false);
  KJ_DISALLOW_COPY(ByteStream);

  struct Part {
    uint64_t offset = 0;
    std::string bytes;
    bool isEnd = false;
  };

  // Returns what the socket has sent from offset `from` on, and forgets what is before that. Waits
  // for it, at most `waitNs`. Fails with kind corrupt for an offset that is not held, and with the
  // socket's own failure behind its last byte.
  kj::Promise<Part> read(uint64_t from, size_t bytesMax, int64_t waitNs);

  // Takes what fits of the bytes that are new, and returns the offset up to which they are held.
  // Waits for space, at most `waitNs`. Fails with kind corrupt for a gap.
  kj::Promise<uint64_t> write(uint64_t offset, std::string bytes, AfterChunk after, int64_t waitNs);

  // Closes the socket. Calls that wait, and later ones, fail with kind notFound.
  void close();

  // Does the same once the socket's peer has all bytes that were taken for it, and resolves then.
  // What the socket sends meanwhile is dropped. After kDrainMax it is closed in any case. Dropping
  // the promise stops that, and closes nothing.
  kj::Promise<void> drain();

 private:
  kj::Promise<void> pumpIn();
  kj::Promise<void> pumpOut();
  kj::Promise<void> awaitDelivery();
  void refuseCalls();
  void fail(const kj::Exception& exception);
  void requireSound() const;
  size_t acceptSome(uint64_t offset, const std::string& bytes);

  kj::Timer& timer_;
  kj::Own<kj::AsyncIoStream> socket_;
  ChangeSignal changed_;

  // Bytes that the socket has sent, from inFrom_ on.
  std::string in_;
  uint64_t inFrom_ = 0;
  bool inEnded_ = false;
  // Nobody reads any more.
  bool dropsInput_ = false;
  kj::Array<kj::byte> readBuffer_;

  // Bytes for the socket that were not written yet; outTo_ is the offset behind them.
  std::string out_;
  uint64_t outTo_ = 0;
  std::string writing_;
  bool outEnds_ = false;

  kj::Maybe<support::Failure> failure_;
  // Come last, because they use the rest.
  kj::Promise<void> reading_;
  kj::Promise<void> writingOut_;
};

}  // namespace nodeagent::forward
