// Fuzzes a guarded stream with raw bytes, in pieces that the input chooses.
//
// Each accepted frame must be within the limits, equal to the sent bytes, and readable as a
// message.
#include <string.h>

#include <capnp/dynamic.h>
#include <capnp/rpc.capnp.h>
#include <kj/async-io.h>
#include <kj/debug.h>
#include <kj/timer.h>

#include "schema/support/rpc/frame.h"
#include "schema/support/rpc/guarded_stream.h"
#include "tests_d/muster/fuzz/fill.h"
#include "tests_d/muster/fuzz/target.h"

namespace {

using fuzz::Input;

struct Loop {
  kj::EventLoop loop;
  kj::WaitScope waitScope{loop};
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
};

// Follows every pointer of the message. An invalid one may only throw.
void readMessage(capnp::MessageReader& message) {
  kj::runCatchingExceptions([&]() {
    fuzz::readAll(capnp::DynamicStruct::Reader(message.getRoot<capnp::rpc::Message>()));
    (void)message.getRoot<capnp::AnyPointer>().targetSize();
  });
}

kj::Promise<void> feed(kj::AsyncOutputStream& out, kj::ArrayPtr<const kj::byte> bytes,
                       size_t pieceBytes) {
  if (bytes.size() == 0) return kj::READY_NOW;
  size_t count = kj::min(bytes.size(), pieceBytes);
  return out.write(bytes.begin(), count).then([&out, bytes, pieceBytes, count]() {
    return feed(out, bytes.slice(count, bytes.size()), pieceBytes);
  });
}

void readFrames(Loop& on, kj::AsyncInputStream& in, kj::ArrayPtr<const kj::byte> sent,
                support::FrameLimits limits, support::Signals signals) {
  support::FrameReader reader(in, on.timer, limits, signals);
  size_t offset = 0;
  for (;;) {
    auto next = reader.takeArrived();
    if (next == nullptr) {
      auto reading = reader.read();
      if (!reading.poll(on.waitScope)) on.timer.advanceTo(on.timer.now() + limits.deadline);
      KJ_ASSERT(reading.poll(on.waitScope), "a frame is waited for without a bound");
      next = reading.wait(on.waitScope);
    }
    KJ_IF_MAYBE (frame, next) {
      auto bytes = frame->bytes();
      KJ_ASSERT(bytes.size() <= limits.bytesMax && bytes.size() > 0);
      KJ_ASSERT(offset + bytes.size() <= sent.size() &&
                memcmp(bytes.begin(), sent.begin() + offset, bytes.size()) == 0);
      offset += bytes.size();
      if (frame->signal() != 0) {
        KJ_ASSERT(signals == support::Signals::kUnderstood);
      } else {
        auto message = support::Frame::intoReader(kj::mv(*frame), support::readerOptions());
        readMessage(*message);
      }
    } else {
      KJ_ASSERT(offset == sent.size(), "the stream ended within a frame");
      return;
    }
  }
}

void readGuarded(Loop& on, kj::AsyncIoStream& stream, support::GuardOptions options) {
  support::GuardedStream guarded(stream, on.timer, options);
  for (;;) {
    auto reading = guarded.tryReadMessage(nullptr, support::readerOptions(), nullptr);
    if (!reading.poll(on.waitScope)) on.timer.advanceTo(on.timer.now() + options.frame.deadline);
    KJ_ASSERT(reading.poll(on.waitScope), "a message is waited for without a bound");
    bool ended = true;
    // A bad message ends its connection, with an exception that the library chooses.
    kj::runCatchingExceptions([&]() {
      KJ_IF_MAYBE (message, reading.wait(on.waitScope)) {
        readMessage(*message->reader);
        ended = false;
      }
    });
    if (ended) return;
  }
}

}  // namespace

MUSTER_FUZZ_TARGET(frame) {
  Loop on;
  uint8_t mode = input.byte();
  size_t pieceBytes = mode % 8 == 0 ? SIZE_MAX : 1 + mode / 8;
  support::GuardOptions options;
  options.frame.bytesMax = mode % 3 == 0 ? 64 : support::kFrameBytesMaxStranger;
  auto bytes = input.rest();
  auto pipe = kj::newTwoWayPipe();
  auto writing = feed(*pipe.ends[0], bytes, pieceBytes)
                     .then([&]() { pipe.ends[0]->shutdownWrite(); })
                     .eagerlyEvaluate([](kj::Exception&&) {});
  if (mode % 2 == 0) return readGuarded(on, *pipe.ends[1], options);
  auto refused = kj::runCatchingExceptions([&]() {
    readFrames(on, *pipe.ends[1], bytes, options.frame,
               mode % 5 == 0 ? support::Signals::kUnderstood : support::Signals::kRefused);
  });
  KJ_IF_MAYBE (exception, refused) fuzz::expectTyped(*exception);
}
