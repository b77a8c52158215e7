// A TLS connection over another stream, with buffers that fit bulk data.
//
// Not kj-tls, which passes everything through 8 KiB buffers and reaches a third of what OpenSSL
// carries. Whom to trust, and for how long to wait, is not decided here: see tls.h.
#pragma once

#include <stddef.h>

#include <string>

#include <kj/async-io.h>

#include "schema/support/tls/certificate.h"

struct ssl_ctx_st;
struct ssl_st;

namespace support {

class TlsStream final : public kj::AsyncIoStream, private kj::TaskSet::ErrorHandler {
 public:
  enum class Side { kClient, kServer };

  // Keeps a reference of its own to `context`.
  TlsStream(kj::Own<kj::AsyncIoStream> inner, ssl_ctx_st* context, Side side);
  ~TlsStream() noexcept(false);

  // Before anything else, once. `expectedName`, of a client: what the server's certificate must be
  // for; empty: anything that the context trusts. Rejected with what OpenSSL says, or as
  // DISCONNECTED if the peer went away.
  kj::Promise<void> shakeHands(kj::StringPtr expectedName);

  // Of the peer's certificate, after the handshake. Empty if it has none.
  std::string peerCommonName() const;

  // Likewise; empty texts if it has none.
  CertificateMark peerMark() const;

  // Of the authority that vouches for it: the last certificate of the chain that was verified.
  CertificateMark peerAuthorityMark() const;

  kj::Promise<size_t> tryRead(void* buffer, size_t minBytes, size_t maxBytes) override;
  kj::Promise<void> write(const void* buffer, size_t size) override;
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override;
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  void shutdownWrite() override;
  void abortRead() override { inner_->abortRead(); }
  kj::Maybe<int> getFd() const override { return inner_->getFd(); }

  // Of the socket below.
  void getsockopt(int level, int option, void* value, unsigned int* length) override {
    inner_->getsockopt(level, option, value, length);
  }
  void setsockopt(int level, int option, const void* value, unsigned int length) override {
    inner_->setsockopt(level, option, value, length);
  }
  void getsockname(struct sockaddr* address, unsigned int* length) override {
    inner_->getsockname(address, length);
  }
  void getpeername(struct sockaddr* address, unsigned int* length) override {
    inner_->getpeername(address, length);
  }

 private:
  struct Transport;  // What OpenSSL calls to read and write.

  // What is left of a gathered write.
  struct Pieces {
    kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> rest;
    size_t offset = 0;  // In the first of `rest`.
  };

  kj::Promise<void> continueHandshake();
  bool hasUnread() const;
  kj::Promise<size_t> readOn(kj::byte* buffer, size_t doneBytes, size_t minBytes, size_t maxBytes);
  kj::Promise<void> writeOn(Pieces pieces);
  void encryptSome(Pieces& pieces);
  void encrypt(const kj::byte* bytes, size_t size);
  kj::Promise<void> receive();
  void reserve(size_t bytes);
  kj::Promise<void> send();
  void sendInBackground();
  void taskFailed(kj::Exception&& exception) override;

  kj::Own<kj::AsyncIoStream> inner_;
  ssl_st* ssl_;
  kj::Array<kj::byte> received_;  // Grows while reads fill it, shrinks when they no longer do.
  size_t receivedBegin_ = 0;
  size_t receivedEnd_ = 0;
  bool receivedAll_ = false;    // The stream below has ended.
  kj::Array<kj::byte> toSend_;  // The first toSendBytes_ of it.
  size_t toSendBytes_ = 0;
  kj::Maybe<kj::ForkedPromise<void>> sending_;  // Writes to the stream below, one after the other.
  kj::TaskSet tasks_;
};

}  // namespace support
