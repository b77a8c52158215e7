// Makes a stream of a connected socket, for both ends of every connection.
//
// It replaces the library's own, which wakes the loop once more for each message. That one always
// asks to be told when the socket can take more, which a unix socket says whenever the peer has
// read, and it learns only from a refused read that there is no more. This one asks for capacity
// only after a write that did not fit, and knows a socket to be empty after a read that it did not
// fill.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/io.h>

namespace support {

class SocketStream final : public kj::AsyncIoStream {
 public:
  // Takes a connected stream socket and makes it non-blocking. `port` outlives this.
  SocketStream(kj::UnixEventPort& port, kj::AutoCloseFd socket);
  ~SocketStream() noexcept(false);
  KJ_DISALLOW_COPY(SocketStream);

  // One read and one write may run at a time, as for every AsyncIoStream.
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
  // The rest of a gathered write.
  struct Pieces {
    kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> rest;
    // Counts bytes of the first of `rest` that are done.
    size_t offset = 0;
  };

  // Tells when the socket can take more. It has a descriptor of its own, since a descriptor has one
  // observer. A write that did not fit makes it, and the first that fits again drops it.
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
  // Present while the socket is known to be empty.
  kj::Maybe<kj::Promise<void>> arrival_;
  kj::Maybe<kj::Own<Writer>> writer_;
  kj::Maybe<kj::ForkedPromise<void>> disconnected_;
};

}  // namespace support
