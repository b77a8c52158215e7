// Encrypts one connection by TLS over another stream, with buffers that fit bulk data.
//
// It replaces kj-tls, which passes everything through 8 KiB buffers and reaches a third of what
// OpenSSL carries. It does not decide whom to trust, or for how long to wait: tls.h does.
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

  // Shakes hands; call it once, before anything else. `expectedName` is for a client: the name that
  // the server's certificate must be for, or empty to accept any that the context trusts. Rejected
  // with OpenSSL's reason, or as DISCONNECTED if the peer went away.
  kj::Promise<void> shakeHands(kj::StringPtr expectedName);

  // Returns the common name in the peer's certificate, after the handshake; empty if it has none.
  std::string peerCommonName() const;

  // Names the peer's certificate, after the handshake; its texts are empty if it has none.
  CertificateMark peerMark() const;

  // Names the authority that vouches for the peer: the last certificate of the chain that was
  // verified.
  CertificateMark peerAuthorityMark() const;

  kj::Promise<size_t> tryRead(void* buffer, size_t minBytes, size_t maxBytes) override;
  kj::Promise<void> write(const void* buffer, size_t size) override;
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override;
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  void shutdownWrite() override;
  void abortRead() override { inner_->abortRead(); }
  kj::Maybe<int> getFd() const override { return inner_->getFd(); }

  // These pass through to the socket below.
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
  // Lets OpenSSL read and write the buffers below.
  struct Transport;

  // The rest of a gathered write.
  struct Pieces {
    kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> rest;
    // Counts bytes of the first of `rest` that are done.
    size_t offset = 0;
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
  // Grows while reads fill it, shrinks when they no longer do.
  kj::Array<kj::byte> received_;
  size_t receivedBegin_ = 0;
  size_t receivedEnd_ = 0;
  // True once the stream below has ended.
  bool receivedAll_ = false;
  // Its first toSendBytes_ bytes wait to be written.
  kj::Array<kj::byte> toSend_;
  size_t toSendBytes_ = 0;
  // Settles with the last of the writes to the stream below, which go one after the other.
  kj::Maybe<kj::ForkedPromise<void>> sending_;
  kj::TaskSet tasks_;
};

}  // namespace support
