#include "nodeagent/exec/output_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <kj/debug.h>

namespace nodeagent::exec {
namespace {

// Bounds one read, and all reads in one turn of the loop.
constexpr size_t kReadBytesMax = 256 * 1024;
// A pipe of this size is read 1.4 times as fast as one of the 64 KiB that it begins with.
constexpr int kLargePipeBytes = 1 << 20;
constexpr int kSmallPipeBytes = 64 * 1024;

// Returns a buffer that all streams of a thread share: its content never outlives one read.
kj::ArrayPtr<kj::byte> scratch() {
  static thread_local auto bytes = kj::heapArray<kj::byte>(kReadBytesMax);
  return bytes;
}

}  // namespace

OutputStream::OutputStream(kj::UnixEventPort& port, kj::Timer& timer, kj::AutoCloseFd fd,
                           Spool& spool, OutputPolicy policy, const JobLimits& limits,
                           kj::Function<void()> changed)
    : timer_(timer),
      fd_(kj::mv(fd)),
      observer_(kj::heap<kj::UnixEventPort::FdObserver>(
          port, fd_, kj::UnixEventPort::FdObserver::OBSERVE_READ)),
      buffer_(spool, policy, limits, [this]() { diskAnswered(); }),
      changed_(kj::mv(changed)),
      followedFor_(limits.followedForNs * kj::NANOSECONDS),
      followedTo_(timer.now() + followedFor_) {}

bool OutputStream::isFollowed() const {
  return timer_.now() < followedTo_;
}

OutputStream::Step OutputStream::readSome(size_t& turnBytes) {
  int readable = 0;
  // The size is asked for first, because bytes that do not fit must stay in the pipe. The call
  // fails where a terminal has hung up.
  if (ioctl(fd_, FIONREAD, &readable) < 0) readable = 0;
  size_t wanted = kj::min(kReadBytesMax, static_cast<size_t>(kj::max(readable, 1)));
  if (!detached_) {
    buffer_.setFollowed(isFollowed());
    wanted = buffer_.prepare(wanted);
  }
  if (wanted == 0) return Step::kFull;
  ssize_t count;
  do {
    count = ::read(fd_, scratch().begin(), wanted);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno == EAGAIN) return Step::kWait;
  if (count <= 0) return Step::kEnd;  // EIO: no process has the terminal open.
  if (readable >= kSmallPipeBytes && !isLarge_) {
    // The kernel refuses above the user's share of pipe memory, and the pipe stays small then.
    isLarge_ = true;
    fcntl(fd_, F_SETPIPE_SZ, kLargePipeBytes);
  }
  turnBytes += static_cast<size_t>(count);
  if (!detached_) {
    auto bytes = scratch().slice(0, static_cast<size_t>(count));
    hash_.update(bytes);
    noteLast(bytes);
    if (reports_) reports_->look({bytes.asChars().begin(), bytes.size()});
    buffer_.append(bytes);
    changed_();
  }
  return turnBytes >= kReadBytesMax ? Step::kYield : Step::kMore;
}

// The vector is cut only when it has grown to twice its size, so that small writes cost little.
void OutputStream::noteLast(kj::ArrayPtr<const kj::byte> bytes) {
  auto chars = bytes.asChars();
  if (chars.size() >= kLastBytesMax) {
    last_.clear();
    chars = chars.slice(chars.size() - kLastBytesMax, chars.size());
  }
  if (last_.size() + chars.size() > 2 * kLastBytesMax) {
    auto kept =
        kj::heapArray<char>(last_.asPtr().slice(last_.size() - kLastBytesMax, last_.size()));
    last_.clear();
    last_.addAll(kept);
  }
  last_.addAll(chars);
}

kj::String OutputStream::lastBytes() const {
  size_t begin = last_.size() - kj::min(last_.size(), kLastBytesMax);
  return kj::heapString(last_.asPtr().slice(begin, last_.size()));
}

const std::string& OutputStream::report() const {
  static const std::string kNone;
  return reports_ ? reports_->report() : kNone;
}

kj::Promise<void> OutputStream::pump() {
  return observer_->whenBecomesReadable().then([this]() { return readAll(); });
}

kj::Promise<void> OutputStream::readAll() {
  size_t turnBytes = 0;
  for (;;) {
    switch (readSome(turnBytes)) {
      case Step::kMore:
        break;
      case Step::kWait:
        return observer_->whenBecomesReadable().then([this]() { return readAll(); });
      case Step::kYield:
        // The way through the timer is the only one that lets the loop look at its other
        // descriptors.
        return timer_.atTime(timer_.now()).then([this]() { return readAll(); });
      case Step::kFull:
        return waitForCapacity();
      case Step::kEnd:
        end();
        observer_ = nullptr;
        fd_ = nullptr;
        return kj::READY_NOW;
    }
  }
}

kj::Promise<void> OutputStream::waitForCapacity() {
  auto pair = kj::newPromiseAndFulfiller<void>();
  capacityFreed_ = kj::mv(pair.fulfiller);
  waitsForDisk_ = buffer_.waitsForDisk();
  stalled_ = !waitsForDisk_;
  changed_();
  auto made = kj::mv(pair.promise);
  // A reader that stops keeping up must not hold the job: from followedTo_ on, output goes to the
  // file.
  if (stalled_ && buffer_.waitsInMemory()) made = made.exclusiveJoin(timer_.atTime(followedTo_));
  return made.then([this]() {
    stalled_ = false;
    waitsForDisk_ = false;
    return readAll();
  });
}

void OutputStream::end() {
  if (ended_) return;
  ended_ = true;
  digest_ = hash_.digest();
  buffer_.finish();
  changed_();
}

// Reads the rest of the pipe. Those bytes were written in time, so they are kept or, where the
// retention is full, counted as dropped.
void OutputStream::takeRest() {
  buffer_.neverWait();
  size_t taken = 0;
  while (taken <= static_cast<size_t>(kLargePipeBytes)) {
    Step step = readSome(taken);
    if (step != Step::kMore && step != Step::kYield) return;
  }
}

void OutputStream::detach() {
  if (!ended_) takeRest();
  end();
  detached_ = true;
  release(0);
}

void OutputStream::release(uint64_t offset) {
  uint64_t before = buffer_.retainedFrom();
  buffer_.release(offset);
  if (buffer_.retainedFrom() > before) followedTo_ = timer_.now() + followedFor_;
  resume();
}

void OutputStream::diskAnswered() {
  if (!waitsForDisk_) return;
  resume();
  changed_();
}

void OutputStream::neverWait() {
  buffer_.neverWait();
  resume();
}

void OutputStream::resume() {
  KJ_IF_MAYBE (fulfiller, capacityFreed_) {
    stalled_ = false;
    waitsForDisk_ = false;
    (*fulfiller)->fulfill();
    capacityFreed_ = nullptr;
  }
}

kj::String OutputStream::link() const {
  if (ended_) return kj::String();
  char target[128];
  ssize_t length = readlink(kj::str("/proc/self/fd/", fd_.get()).cStr(), target, sizeof(target));
  if (length <= 0) return kj::String();
  unsigned number;
  // Processes hold a terminal by its slave, which has the master's number.
  if (ioctl(fd_, TIOCGPTN, &number) == 0) return kj::str("/dev/pts/", number);
  return kj::heapString(target, static_cast<size_t>(length));
}

}  // namespace nodeagent::exec
