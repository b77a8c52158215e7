#include "schema/support/rpc/socket_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <kj/debug.h>

namespace support {
namespace {

using Observer = kj::UnixEventPort::FdObserver;

constexpr size_t kPiecesAtOnce = 64;

// A read of this size or more is followed by another at once. Such a peer sends many messages at a
// time, and more of them have come by the time that these are read. Another read costs less than a
// wait, and their answers then go out together.
constexpr ssize_t kManyBytes = 512;

int nonBlocking(int socket) {
  int flags;
  KJ_SYSCALL(flags = fcntl(socket, F_GETFL));
  if ((flags & O_NONBLOCK) == 0) {
    KJ_SYSCALL(fcntl(socket, F_SETFL, flags | O_NONBLOCK));
  }
  return socket;
}

int duplicate(int socket) {
  int copy;
  KJ_SYSCALL(copy = fcntl(socket, F_DUPFD_CLOEXEC, 3));
  return copy;
}

}  // namespace

SocketStream::Writer::Writer(kj::UnixEventPort& port, int original)
    : socket(duplicate(original)), observer(port, socket, Observer::OBSERVE_WRITE) {}

SocketStream::SocketStream(kj::UnixEventPort& port, kj::AutoCloseFd socket)
    : port_(port),
      socket_(kj::mv(socket)),
      observer_(port, nonBlocking(socket_), Observer::OBSERVE_READ) {}

SocketStream::~SocketStream() noexcept(false) {}

kj::Promise<size_t> SocketStream::tryRead(void* buffer, size_t minBytes, size_t maxBytes) {
  auto bytes = static_cast<kj::byte*>(buffer);
  return kj::evalNow([&]() { return readOn(bytes, 0, minBytes, maxBytes); });
}

kj::Promise<size_t> SocketStream::readOn(kj::byte* buffer, size_t doneBytes, size_t minBytes,
                                         size_t maxBytes) {
  while (arrival_ == nullptr) {
    size_t wanted = maxBytes - doneBytes;
    ssize_t count;
    KJ_NONBLOCKING_SYSCALL(count = ::recv(socket_, buffer + doneBytes, wanted, 0));
    if (count == 0) return doneBytes;
    if (count < 0) {
      arrival_ = observer_.whenBecomesReadable();
      break;
    }
    doneBytes += static_cast<size_t>(count);
    // A read that did not fill its buffer has emptied the socket: a second one, only to be told so,
    // is saved.
    if (static_cast<size_t>(count) < wanted && count < kManyBytes) noteEmpty();
    if (doneBytes >= minBytes) return doneBytes;
  }
  auto arrived = kj::mv(KJ_ASSERT_NONNULL(arrival_));
  arrival_ = nullptr;
  return arrived.then([this, buffer, doneBytes, minBytes, maxBytes]() {
    return readOn(buffer, doneBytes, minBytes, maxBytes);
  });
}

// Notes that the socket is empty and waits for the next bytes. Their arrival is told once, so
// somebody must listen before the loop looks. The end may have been told already, together with the
// last bytes; then it can be read at once.
void SocketStream::noteEmpty() {
  KJ_IF_MAYBE (atEnd, observer_.atEndHint()) {
    if (*atEnd) return;
  }
  arrival_ = observer_.whenBecomesReadable();
}

kj::Promise<void> SocketStream::write(const void* buffer, size_t size) {
  auto piece = kj::arrayPtr(static_cast<const kj::byte*>(buffer), size);
  return kj::evalNow([&]() -> kj::Promise<void> {
    Pieces pieces{kj::arrayPtr(&piece, 1), 0};
    if (writeAtOnce(pieces)) return kj::READY_NOW;
    // `piece` ends with this function, so the rest of the write needs a copy of it.
    auto left = kj::heap<kj::ArrayPtr<const kj::byte>>(piece);
    auto written = writeOn({kj::arrayPtr(left.get(), 1), pieces.offset});
    return written.attach(kj::mv(left));
  });
}

kj::Promise<void> SocketStream::write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> rest) {
  return kj::evalNow([&]() -> kj::Promise<void> {
    Pieces pieces{rest, 0};
    if (writeAtOnce(pieces)) return kj::READY_NOW;
    return writeOn(pieces);
  });
}

bool SocketStream::writeAtOnce(Pieces& pieces) {
  bool isAll = writeSome(pieces);
  if (isAll) writer_ = nullptr;
  return isAll;
}

// Writes as much as the socket takes; returns true when everything is written.
bool SocketStream::writeSome(Pieces& pieces) {
  while (pieces.rest.size() > 0) {
    struct iovec parts[kPiecesAtOnce];
    size_t count = kj::min(pieces.rest.size(), kPiecesAtOnce);
    for (size_t i = 0; i < count; ++i) {
      auto bytes = pieces.rest[i].slice(i == 0 ? pieces.offset : 0, pieces.rest[i].size());
      parts[i] = {const_cast<kj::byte*>(bytes.begin()), bytes.size()};
    }
    struct msghdr message {};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    ssize_t written;
    KJ_NONBLOCKING_SYSCALL(written = ::sendmsg(socket_, &message, MSG_NOSIGNAL));
    if (written < 0) return false;
    pieces.offset += static_cast<size_t>(written);
    while (pieces.rest.size() > 0 && pieces.offset >= pieces.rest[0].size()) {
      pieces.offset -= pieces.rest[0].size();
      pieces.rest = pieces.rest.slice(1, pieces.rest.size());
    }
  }
  return true;
}

// Waits until the socket can take more and goes on writing. That is told only once too, but a new
// observer is told at once if the socket can take more already.
kj::Promise<void> SocketStream::writeOn(Pieces pieces) {
  if (writer_ == nullptr) writer_ = kj::heap<Writer>(port_, socket_);
  return KJ_ASSERT_NONNULL(writer_)->observer.whenBecomesWritable().then(
      [this, pieces]() mutable -> kj::Promise<void> {
        if (writeSome(pieces)) return kj::READY_NOW;
        return writeOn(pieces);
      });
}

kj::Promise<void> SocketStream::whenWriteDisconnected() {
  KJ_IF_MAYBE (known, disconnected_) return known->addBranch();
  auto forked = observer_.whenWriteDisconnected().fork();
  auto branch = forked.addBranch();
  disconnected_ = kj::mv(forked);
  return branch;
}

void SocketStream::shutdownWrite() {
  KJ_SYSCALL(::shutdown(socket_, SHUT_WR));
}

void SocketStream::abortRead() {
  KJ_SYSCALL(::shutdown(socket_, SHUT_RD));
}

void SocketStream::getsockopt(int level, int option, void* value, unsigned int* length) {
  KJ_SYSCALL(::getsockopt(socket_, level, option, value, length));
}

void SocketStream::setsockopt(int level, int option, const void* value, unsigned int length) {
  KJ_SYSCALL(::setsockopt(socket_, level, option, value, length));
}

void SocketStream::getsockname(struct sockaddr* address, unsigned int* length) {
  KJ_SYSCALL(::getsockname(socket_, address, length));
}

void SocketStream::getpeername(struct sockaddr* address, unsigned int* length) {
  KJ_SYSCALL(::getpeername(socket_, address, length));
}

}  // namespace support
