// A connected socket as a stream, for both ends of every connection.
//
// Not the library's own, which wakes the loop once more for each message: it always asks to be told
// when the socket can take more, which a unix socket says whenever the peer has read, and it learns
// from a refused read that there is no more. This one asks for room only after a write that did not
// fit, and knows a socket to be empty after a read that it did not fill.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/io.h>

namespace support {

class SocketStream final : public kj::AsyncIoStream {
 public:
  // Takes a connected stream socket, and makes it non-blocking. `port` outlives it.
  SocketStream(kj::UnixEventPort& port, kj::AutoCloseFd socket);
  ~SocketStream() noexcept(false);
  KJ_DISALLOW_COPY(SocketStream);

  // As of every AsyncIoStream: one read and one write at a time.
  kj::Promise<size_t> tryRead(void* buffer, size_t minBytes, size_t maxBytes) override;
  kj::Promise<void> write(const void* buffer, size_t size) override;
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override;
  kj::Promise<void> whenWriteDisconnected() override;
  void shutdownWrite() override;
  void abortRead() override;
  kj::Maybe<int> getFd() const override { return socket_.get(); }
  void getsockopt(int level, int option, void* value, unsigned int* length) override;
  void setsockopt(int level, int option, const void* value, unsigned int length) override;
  void getsockname(struct sockaddr* address, unsigned int* length) override;
  void getpeername(struct sockaddr* address, unsigned int* length) override;

 private:
  // What is left of a gathered write.
  struct Pieces {
    kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> rest;
    size_t offset = 0;  // In the first of `rest`.
  };

  // Tells when there is room. On a descriptor of its own, since one has one observer; made for a
  // write that did not fit, and dropped with the first that fits again.
  struct Writer {
    Writer(kj::UnixEventPort& port, int socket);
    kj::AutoCloseFd socket;
    kj::UnixEventPort::FdObserver observer;
  };

  kj::Promise<size_t> readOn(kj::byte* buffer, size_t doneBytes, size_t minBytes, size_t maxBytes);
  void noteEmpty();
  bool writeAtOnce(Pieces& pieces);
  bool writeSome(Pieces& pieces);
  kj::Promise<void> writeOn(Pieces pieces);

  kj::UnixEventPort& port_;
  kj::AutoCloseFd socket_;
  kj::UnixEventPort::FdObserver observer_;
  kj::Maybe<kj::Promise<void>> arrival_;  // There while the socket is known to be empty.
  kj::Maybe<kj::Own<Writer>> writer_;
  kj::Maybe<kj::ForkedPromise<void>> disconnected_;
};

}  // namespace support
