#include "nodeagent/forward/byte_stream.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <utility>

namespace nodeagent::forward {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kReadBytes = 64 << 10;
constexpr kj::Duration kDeliveryPause = 20 * kj::MILLISECONDS;

}  // namespace

ByteStream::ByteStream(kj::Timer& timer, kj::Own<kj::AsyncIoStream> socket)
    : timer_(timer),
      socket_(kj::mv(socket)),
      readBuffer_(kj::heapArray<kj::byte>(kReadBytes)),
      reading_(kj::evalLater([this]() {
                 return pumpIn();
               }).eagerlyEvaluate([this](kj::Exception&& exception) { fail(exception); })),
      writingOut_(kj::evalLater([this]() {
                    return pumpOut();
                  }).eagerlyEvaluate([this](kj::Exception&& exception) { fail(exception); })) {}

ByteStream::~ByteStream() noexcept(false) = default;

// The texts of the library show values of our memory; a connection that was cut is all it can be.
void ByteStream::fail(const kj::Exception& exception) {
  KJ_IF_MAYBE (carried, support::carriedFailure(exception)) {
    failure_ = carried->clone();
  } else {
    failure_ = support::Failure{Kind::SYSTEM, ECONNRESET, kj::str("the connection was cut"), 0};
  }
  inEnded_ = true;
  changed_.notify();
}

void ByteStream::refuseCalls() {
  failure_ = support::Failure{Kind::NOT_FOUND, 0, kj::str("the stream was closed"), 0};
  in_.clear();
}

void ByteStream::close() {
  reading_ = nullptr;
  writingOut_ = nullptr;
  socket_ = nullptr;
  refuseCalls();
  inEnded_ = true;
  changed_.notify();
}

kj::Promise<void> ByteStream::drain() {
  refuseCalls();
  dropsInput_ = true;
  outEnds_ = true;
  changed_.notify();
  auto written = kj::mv(writingOut_);
  writingOut_ = nullptr;
  return written.then([this]() { return awaitDelivery(); })
      .exclusiveJoin(timer_.afterDelay(kDrainMax))
      .then([this]() { close(); });
}

// A socket that is closed with input that was not read is reset, and the kernel drops what the peer
// has not taken. After the end of the input there is none.
kj::Promise<void> ByteStream::awaitDelivery() {
  int waiting = 0;
  KJ_IF_MAYBE (fd, socket_->getFd()) {
    if (!inEnded_ && ::ioctl(*fd, SIOCOUTQ, &waiting) < 0) waiting = 0;
  }
  if (waiting == 0) return kj::READY_NOW;
  return timer_.afterDelay(kDeliveryPause).then([this]() { return awaitDelivery(); });
}

void ByteStream::requireSound() const {
  KJ_IF_MAYBE (failure, failure_) kj::throwFatalException(support::toException(*failure));
}

kj::Promise<void> ByteStream::pumpIn() {
  if (in_.size() >= kWindowBytes) {
    return changed_.next().then([this]() { return pumpIn(); });
  }
  return socket_->tryRead(readBuffer_.begin(), 1, readBuffer_.size())
      .then([this](size_t count) -> kj::Promise<void> {
        if (!dropsInput_) {
          in_.append(reinterpret_cast<const char*>(readBuffer_.begin()), count);
        }
        inEnded_ = count == 0;
        changed_.notify();
        if (inEnded_) return kj::READY_NOW;
        return pumpIn();
      });
}

kj::Promise<void> ByteStream::pumpOut() {
  if (out_.empty()) {
    if (outEnds_) {
      socket_->shutdownWrite();
      return kj::READY_NOW;
    }
    return changed_.next().then([this]() { return pumpOut(); });
  }
  writing_ = std::exchange(out_, {});
  return socket_->write(writing_.data(), writing_.size()).then([this]() {
    writing_.clear();
    changed_.notify();
    return pumpOut();
  });
}

kj::Promise<ByteStream::Part> ByteStream::read(uint64_t from, size_t bytesMax, int64_t waitNs) {
  if (from < inFrom_ || from > inFrom_ + in_.size()) {
    support::fail(Kind::CORRUPT, "from: ", from, " is not between ", inFrom_, " and ",
                  inFrom_ + in_.size());
  }
  if (from > inFrom_) {
    in_.erase(0, from - inFrom_);
    inFrom_ = from;
    changed_.notify();
  }
  if (in_.empty() && !inEnded_ && waitNs > 0) {
    return changed_.next(timer_, waitNs).then([this, self = kj::addRef(*this), from, bytesMax]() {
      return read(from, bytesMax, 0);
    });
  }
  if (in_.empty()) requireSound();
  size_t count = std::min(bytesMax, in_.size());
  return Part{from, in_.substr(0, count), inEnded_ && count == in_.size() && failure_ == nullptr};
}

size_t ByteStream::acceptSome(uint64_t offset, const std::string& bytes) {
  size_t known = std::min<uint64_t>(outTo_ - offset, bytes.size());
  size_t held = out_.size() + writing_.size();
  size_t space = kWindowBytes - std::min(held, kWindowBytes);
  size_t count = std::min(space, bytes.size() - known);
  out_.append(bytes, known, count);
  outTo_ += count;
  return count;
}

kj::Promise<uint64_t> ByteStream::write(uint64_t offset, std::string bytes, AfterChunk after,
                                        int64_t waitNs) {
  requireSound();
  if (offset > outTo_) {
    support::fail(Kind::CORRUPT, "offset: ", offset, " leaves a gap behind ", outTo_);
  }
  uint64_t end = offset + bytes.size();
  if (outEnds_ && end > outTo_) {
    support::fail(Kind::CORRUPT, "the input was ended at ", outTo_, ", and bytes follow");
  }
  size_t taken = acceptSome(offset, bytes);
  if (after == AfterChunk::kEnd && outTo_ >= end) outEnds_ = true;
  if (taken > 0 || outEnds_) changed_.notify();
  bool isFull = taken == 0 && outTo_ < end;
  if (!isFull || waitNs <= 0) return outTo_;
  return changed_.next(timer_, waitNs)
      .then([this, self = kj::addRef(*this), offset, bytes = kj::mv(bytes), after]() mutable {
        return write(offset, kj::mv(bytes), after, 0);
      });
}

}  // namespace nodeagent::forward
