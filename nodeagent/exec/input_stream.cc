#include "nodeagent/exec/input_stream.h"

#include <errno.h>
#include <unistd.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::exec {
namespace {

// A terminal in its usual mode takes this character for the end of file (VEOF).
constexpr char kEndOfTransmission = 4;
constexpr size_t kWriteBytesMax = 256 * 1024;
constexpr size_t kCompactAt = 256 * 1024;

}  // namespace

InputStream::InputStream(kj::UnixEventPort& port, kj::AutoCloseFd fd, Kind kind)
    : fd_(kj::mv(fd)),
      kind_(kind),
      observer_(kj::heap<kj::UnixEventPort::FdObserver>(
          port, fd_, kj::UnixEventPort::FdObserver::OBSERVE_WRITE)) {}

uint64_t InputStream::accept(uint64_t offset, kj::ArrayPtr<const kj::byte> bytes,
                             AfterInput after) {
  bool end = after == AfterInput::kEnds;
  uint64_t last = offset + bytes.size();
  if (offset > acceptedTo_) {
    support::fail(wire::Error::Kind::CORRUPT, "chunk.offset: ", offset,
                  " leaves a gap: the input is held up to ", acceptedTo_);
  }
  KJ_IF_MAYBE (closed, closedAt_) {
    if (last > *closed || (end && last != *closed)) {
      support::fail(wire::Error::Kind::CONFLICT, "chunk: ends at ", last,
                    ", but the input was closed at ", *closed);
    }
    return acceptedTo_;
  }
  size_t known = static_cast<size_t>(kj::min<uint64_t>(acceptedTo_ - offset, bytes.size()));
  auto fresh = bytes.slice(known, bytes.size());
  if (end && last < acceptedTo_) {
    support::fail(wire::Error::Kind::CONFLICT, "end: at ", last, ", but bytes up to ", acceptedTo_,
                  " were accepted");
  }
  // A job that no longer reads accepts everything, so that its caller is not kept waiting.
  size_t taken = done_ ? fresh.size() : kj::min(fresh.size(), kInputWindowBytes - pendingBytes());
  if (!done_) pending_.append(fresh.asChars().begin(), taken);
  acceptedTo_ += taken;
  if (end && taken == fresh.size()) closedAt_ = acceptedTo_;
  KJ_IF_MAYBE (fulfiller, more_) {
    (*fulfiller)->fulfill();
    more_ = nullptr;
  }
  return acceptedTo_;
}

kj::Promise<void> InputStream::pump() {
  writeSome();
  if (done_) return kj::READY_NOW;
  if (pendingBytes() > 0) return observer_->whenBecomesWritable().then([this]() { return pump(); });
  auto pair = kj::newPromiseAndFulfiller<void>();
  more_ = kj::mv(pair.fulfiller);
  return pair.promise.then([this]() { return pump(); });
}

void InputStream::writeSome() {
  while (!done_) {
    if (pendingBytes() == 0) {
      if (closedAt_ == nullptr) return;
      if (kind_ == Kind::kPipe || endOfFileSent_) return finish();
      // A terminal has no end of file; its line discipline makes one of this character.
      pending_.push_back(kEndOfTransmission);
      endOfFileSent_ = true;
    }
    ssize_t count =
        write(fd_, pending_.data() + pendingFrom_, kj::min(pendingBytes(), kWriteBytesMax));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    // EPIPE and EIO mean that the job does not read any more.
    if (count < 0) return finish();
    pendingFrom_ += static_cast<size_t>(count);
    written_.notify();
    if (pendingFrom_ == pending_.size() || pendingFrom_ >= kCompactAt) {
      pending_.erase(0, pendingFrom_);
      pendingFrom_ = 0;
    }
  }
}

void InputStream::finish() {
  done_ = true;
  pending_ = std::string();
  pendingFrom_ = 0;
  observer_ = nullptr;
  written_.notify();
  // Closing the pipe brings its reader the end of file.
  fd_ = nullptr;
}

}  // namespace nodeagent::exec
