#include "nodeagent/front/relay.h"

#include "nodeagent/link/preamble.h"
#include "schema/support/rpc/frame.h"

namespace nodeagent {
namespace {

using support::FrameReader;

// Bounds the time for the keeper's last bytes to reach the client, once the keeper has closed.
constexpr kj::Duration kDrainLimit = 1 * kj::SECONDS;

// A larger frame, which only known peers may send, is passed on while it arrives, in pieces that
// stay in the CPU's cache.
constexpr size_t kWholeBytesMax = support::kFrameBytesMaxStranger;
constexpr size_t kPieceBytesMin = 64 << 10;
constexpr size_t kPieceBytesMax = 128 << 10;

support::FrameLimits trustedLimits() {
  support::FrameLimits limits;
  limits.bytesMax = support::kFrameBytesMax;
  return limits;
}

// Relays one direction of a connection: whole frames only, and those that arrived together in one
// write.
class Relay {
 public:
  Relay(FrameReader& source, kj::AsyncIoStream& sink, kj::Function<void(uint32_t)> onSignal)
      : source_(source), sink_(sink), onSignal_(kj::mv(onSignal)) {}

  // Resolves when the source has ended and all of it was written.
  kj::Promise<void> run() {
    if (!source_.isEmpty()) return forward();
    return source_.awaitArrival().then([this](bool hasArrived) -> kj::Promise<void> {
      if (!hasArrived) return kj::READY_NOW;
      return forward();
    });
  }

 private:
  // Forwards small frames as they lie in the reader's buffer.
  kj::Promise<void> forward() {
    auto arrived = source_.takeAllArrived();
    if (arrived.size() == 0) return forwardNext();
    return sink_.write(arrived.begin(), arrived.size()).then([this]() { return run(); });
  }

  // Handles a signal, or a frame of which only the beginning has arrived.
  kj::Promise<void> forwardNext() {
    auto begun = source_.takeBegun(kWholeBytesMax);
    KJ_IF_MAYBE (frame, begun) {
      return sink_.write(frame->bytes.begin(), frame->bytes.size())
          .then([this, left = frame->leftBytes]() {
            auto space = kj::heapArray<kj::byte>(kj::min(left, kPieceBytesMax));
            auto forwarded = forwardRest(space, left);
            return forwarded.attach(kj::mv(space));
          })
          .then([this]() { return run(); });
    }
    return source_.read().then([this](kj::Maybe<support::Frame>&& frame) -> kj::Promise<void> {
      KJ_IF_MAYBE (present, frame) {
        if (present->signal() != 0) {
          onSignal_(present->signal());
          return run();
        }
        auto held = kj::heap(kj::mv(*present));
        auto written = sink_.write(held->bytes().begin(), held->bytes().size());
        return written.attach(kj::mv(held)).then([this]() { return run(); });
      }
      return kj::READY_NOW;
    });
  }

  kj::Promise<void> forwardRest(kj::ArrayPtr<kj::byte> space, size_t left) {
    if (left == 0) return kj::READY_NOW;
    auto wanted = space.slice(0, kj::min(space.size(), left));
    return source_.readRest(wanted, kj::min(wanted.size(), kPieceBytesMin))
        .then([this, space, left](size_t count) {
          return sink_.write(space.begin(), count).then([this, space, left = left - count]() {
            return forwardRest(space, left);
          });
        });
  }

  FrameReader& source_;
  kj::AsyncIoStream& sink_;
  kj::Function<void(uint32_t)> onSignal_;
};

// Both directions. The members are declared in the order in which they use each other.
struct BothWays {
  BothWays(kj::AsyncIoStream& client, kj::AsyncIoStream& keeper, kj::Timer& timer,
           kj::Function<void()> onAdmission)
      : admitted(kj::mv(onAdmission)),
        fromClient(client, timer, support::FrameLimits()),
        fromKeeper(keeper, timer, trustedLimits(), support::Signals::kUnderstood),
        upward(fromClient, keeper, [](uint32_t) {}),
        downward(fromKeeper, client, [this](uint32_t number) { signalled(number); }) {}

  void signalled(uint32_t number) {
    if (number != kSignalAdmitted) return;
    fromClient.setBytesMax(support::kFrameBytesMax);
    admitted();
  }

  kj::Function<void()> admitted;
  FrameReader fromClient;
  FrameReader fromKeeper;
  Relay upward;
  Relay downward;
};

}  // namespace

kj::Promise<void> relayBothWays(kj::AsyncIoStream& client, kj::AsyncIoStream& keeper,
                                kj::Timer& timer, kj::Function<void()> admitted) {
  auto ways = kj::heap<BothWays>(client, keeper, timer, kj::mv(admitted));
  // When the client ends, the keeper is told by shutdownWrite. It closes when it has answered,
  // which ends `downward`.
  auto fromClient = ways->upward.run().then([&keeper]() -> kj::Promise<void> {
    keeper.shutdownWrite();
    return kj::NEVER_DONE;
  });
  // A client that does not read must not hold a connection that the keeper has given up.
  auto gone =
      keeper.whenWriteDisconnected().then([&timer]() { return timer.afterDelay(kDrainLimit); });
  return ways->downward.run()
      .exclusiveJoin(kj::mv(fromClient))
      .exclusiveJoin(kj::mv(gone))
      .attach(kj::mv(ways));
}

}  // namespace nodeagent
