// Byte streams between simulated machines.
//
// They are ordered and lossless as TCP is, and can be as slow, fragmented, silent or suddenly gone
// as TCP can be.
#pragma once

#include <stdint.h>

#include <deque>
#include <string>
#include <vector>

#include <kj/async-io.h>
#include <kj/function.h>
#include <kj/refcount.h>

#include "tests_d/muster/simulation/world.h"

namespace simulation {

struct LinkOptions {
  // Each fragment is delayed by a time between these. It arrives at once if both are 0.
  int64_t delayLeastNs = 0;
  int64_t delayMostNs = 0;
  size_t fragmentBytesMax = SIZE_MAX;  // Bytes are delivered in parts of at most this size.
};

// One connection. Its two streams keep it alive.
class Link final : public kj::Refcounted {
 public:
  enum class Side { kClient, kServer };

  Link(World& world, LinkOptions options) : world_(world), options_(options) {}

  // Both ends fail at once, and bytes on their way are lost.
  void reset();

  // Both ends read the stream's end after the bytes that are on their way.
  void close();

  // Resets when `bytes` more have been delivered to that side.
  void resetAfter(Side receiver, uint64_t bytes);

  enum class Passage { kOpen, kSilent };

  // With kSilent, bytes for that side are held back until kOpen.
  void setPassage(Side receiver, Passage passage);
  void setOptions(LinkOptions options) { options_ = options; }

  // `callback` is called each time that something arrives at that side.
  void onArrival(Side receiver, kj::Function<void()> callback) {
    ways_[index(receiver)].arrival = kj::mv(callback);
  }

  bool isReset() const { return ways_[0].broken; }
  bool isOver() const { return ways_[0].closed && ways_[1].closed; }
  uint64_t deliveredTo(Side receiver) const { return ways_[index(receiver)].deliveredBytes; }

 private:
  friend class LinkStream;

  struct Piece {
    kj::TimePoint at;
    std::string bytes;
  };
  using Waiter = kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>>;

  // One direction, named by its receiver.
  struct Way {
    std::deque<Piece> travelling;
    size_t travellingBytes = 0;
    std::string arrived;
    bool closing = false;  // The sender has ended. Bytes before that may still travel.
    bool closed = false;   // The end has arrived, too.
    bool broken = false;
    bool silent = false;
    bool unread = false;  // The receiver is gone and reads no more.
    uint64_t deliveredBytes = 0;
    uint64_t resetAt = UINT64_MAX;
    kj::Maybe<kj::Function<void()>> arrival;
    Waiter reader;
    Waiter writer;
    Waiter deliverer;
    Waiter gone;
    kj::Maybe<kj::Promise<void>> delivery;
  };

  static size_t index(Side side) { return static_cast<size_t>(side); }
  static void wake(Waiter& waiter);
  static kj::Promise<void> whenWoken(Waiter& waiter);

  void send(Way& way, kj::ArrayPtr<const kj::byte> bytes);
  void begin(Way& way);
  kj::Promise<void> deliver(Way& way);
  void arrive(Way& way, std::string bytes);
  void settle(Way& way);
  void stopReading(Way& way);

  World& world_;
  LinkOptions options_;
  Way ways_[2];
};

struct LinkEnds {
  kj::Own<Link> link;
  kj::Own<kj::AsyncIoStream> client;
  kj::Own<kj::AsyncIoStream> server;
};

LinkEnds makeLink(World& world, LinkOptions options);

}  // namespace simulation
