// Tries the encrypted stream itself, between two ends in this process: bytes, ends and refusals.
#include "schema/support/tls/tls_stream.h"

#include <string.h>
#include <sys/socket.h>

#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>
#include <kj/io.h>
#include <kj/vector.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace support {
namespace {

using testing::HasSubstr;

constexpr char kName[] = "n1";

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Context = std::unique_ptr<SSL_CTX, Free>;

// A certificate for kName that its holder signed, trusted by both sides.
class TlsStreamTest : public testing::Test {
 protected:
  TlsStreamTest() : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509_set_version(certificate_.get(), 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate_.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate_.get()), 3600);
    X509_set_pubkey(certificate_.get(), key_.get());
    X509_NAME* name = X509_get_subject_name(certificate_.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(kName), -1, -1, 0);
    X509_set_issuer_name(certificate_.get(), name);
    std::string names = std::string("DNS:") + kName;
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(certificate_.get(), key_.get(), EVP_sha256());
    server_ = makeContext(TLS_server_method());
    client_ = makeContext(TLS_client_method());
    connect();
  }
  ~TlsStreamTest() noexcept override {}

  Context makeContext(const SSL_METHOD* method) {
    Context context(SSL_CTX_new(method));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    SSL_CTX_use_certificate(context.get(), certificate_.get());
    SSL_CTX_use_PrivateKey(context.get(), key_.get());
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), certificate_.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return context;
  }

  void connect() {
    int ends[2];
    KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
    near_ = kj::heap<TlsStream>(io_.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(ends[0])),
                                client_.get(), TlsStream::Side::kClient);
    far_ = kj::heap<TlsStream>(io_.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(ends[1])),
                               server_.get(), TlsStream::Side::kServer);
  }

  void shakeHands() {
    auto accepted = far_->shakeHands("").eagerlyEvaluate(nullptr);
    near_->shakeHands(kName).wait(io_.waitScope);
    accepted.wait(io_.waitScope);
  }

  // Returns the exception that the promise is rejected with.
  template <typename T>
  kj::Exception failureOf(kj::Promise<T> promise) {
    auto failure = kj::runCatchingExceptions([&]() { promise.wait(io_.waitScope); });
    return failure == nullptr ? KJ_EXCEPTION(FAILED, "none") : kj::mv(KJ_ASSERT_NONNULL(failure));
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<X509, Free> certificate_;
  Context server_;
  Context client_;
  kj::Own<TlsStream> near_;
  kj::Own<TlsStream> far_;
};

TEST_F(TlsStreamTest, BytesOfManyPiecesArriveInOrder) {
  shakeHands();
  auto bytes = kj::heapArray<kj::byte>(3 << 20);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<kj::byte>(i * 2654435761u >> 24);
  kj::Vector<kj::ArrayPtr<const kj::byte>> pieces;
  size_t sizes[] = {0, 8, 1, 16384, 70000, 0, 5, 16383, 1 << 20};
  size_t offset = 0;
  for (size_t size : sizes) {
    pieces.add(bytes.slice(offset, offset + size));
    offset += size;
  }
  pieces.add(bytes.slice(offset, bytes.size()));
  auto writing = near_->write(pieces.asPtr()).eagerlyEvaluate(nullptr);
  auto arrived = kj::heapArray<kj::byte>(bytes.size());
  far_->read(arrived.begin(), arrived.size()).wait(io_.waitScope);
  writing.wait(io_.waitScope);
  EXPECT_TRUE(arrived == bytes);
}

TEST_F(TlsStreamTest, BothDirectionsAtOnceDoNotWaitForEachOther) {
  shakeHands();
  auto bytes = kj::heapArray<kj::byte>(4 << 20);
  memset(bytes.begin(), 'x', bytes.size());
  auto there = near_->write(bytes.begin(), bytes.size()).eagerlyEvaluate(nullptr);
  auto back = far_->write(bytes.begin(), bytes.size()).eagerlyEvaluate(nullptr);
  auto atFar = kj::heapArray<kj::byte>(bytes.size());
  auto atNear = kj::heapArray<kj::byte>(bytes.size());
  auto farRead = far_->read(atFar.begin(), atFar.size()).eagerlyEvaluate(nullptr);
  near_->read(atNear.begin(), atNear.size()).wait(io_.waitScope);
  farRead.wait(io_.waitScope);
  EXPECT_TRUE(atFar == bytes);
  EXPECT_TRUE(atNear == bytes);
}

TEST_F(TlsStreamTest, ReadReturnsWhatIsThere) {
  shakeHands();
  near_->write("hello", 5).wait(io_.waitScope);
  char buffer[100];
  EXPECT_EQ(far_->tryRead(buffer, 1, sizeof buffer).wait(io_.waitScope), 5u);
}

TEST_F(TlsStreamTest, OneRecordCanBeReadByteByByte) {
  shakeHands();
  near_->write("hello", 5).wait(io_.waitScope);
  char buffer[6] = {};
  for (int i = 0; i < 5; ++i) far_->read(buffer + i, 1).wait(io_.waitScope);
  EXPECT_STREQ(buffer, "hello");
}

TEST_F(TlsStreamTest, ProperEndIsTheEndOfTheStream) {
  shakeHands();
  near_->write("x", 1).wait(io_.waitScope);
  near_->shutdownWrite();
  char buffer[10];
  EXPECT_EQ(far_->tryRead(buffer, 10, 10).wait(io_.waitScope), 1u);
  EXPECT_EQ(far_->tryRead(buffer, 1, 10).wait(io_.waitScope), 0u);
}

// A stream that stays open even if the layer above shuts it down.
class NeverEnding final : public kj::AsyncIoStream {
 public:
  explicit NeverEnding(kj::Own<kj::AsyncIoStream> inner) : inner_(kj::mv(inner)) {}
  kj::Promise<size_t> tryRead(void* buffer, size_t min, size_t max) override {
    return inner_->tryRead(buffer, min, max);
  }
  kj::Promise<void> write(const void* buffer, size_t size) override {
    return inner_->write(buffer, size);
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return inner_->write(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override { return kj::NEVER_DONE; }
  void shutdownWrite() override {}

 private:
  kj::Own<kj::AsyncIoStream> inner_;
};

TEST_F(TlsStreamTest, EveryReadEndsAfterACloseNotify) {
  auto pipe = io_.provider->newTwoWayPipe();
  near_ = kj::heap<TlsStream>(kj::heap<NeverEnding>(kj::mv(pipe.ends[0])), client_.get(),
                              TlsStream::Side::kClient);
  far_ = kj::heap<TlsStream>(kj::mv(pipe.ends[1]), server_.get(), TlsStream::Side::kServer);
  shakeHands();
  near_->shutdownWrite();
  char buffer[10];
  for (int i = 0; i < 2; ++i) {
    auto read = far_->tryRead(buffer, 1, sizeof buffer);
    auto late =
        io_.provider->getTimer().afterDelay(5 * kj::SECONDS).then([]() -> size_t { return 99; });
    EXPECT_EQ(read.exclusiveJoin(kj::mv(late)).wait(io_.waitScope), 0u) << i;
  }
}

TEST_F(TlsStreamTest, EndWithoutACloseNotifyIsALostConnection) {
  shakeHands();
  near_ = nullptr;
  char buffer[10];
  auto failure = failureOf(far_->tryRead(buffer, 1, 10));
  EXPECT_EQ(failure.getType(), kj::Exception::Type::DISCONNECTED);
}

TEST_F(TlsStreamTest, PeerThatLeavesDuringTheHandshakeIsALostConnection) {
  near_ = nullptr;
  auto failure = failureOf(far_->shakeHands(""));
  EXPECT_EQ(failure.getType(), kj::Exception::Type::DISCONNECTED);
}

TEST_F(TlsStreamTest, CertificateOfAnotherNameIsRefused) {
  auto accepted = far_->shakeHands("").eagerlyEvaluate([](kj::Exception&&) {});
  auto failure = failureOf(near_->shakeHands("n2"));
  EXPECT_EQ(failure.getType(), kj::Exception::Type::FAILED);
  EXPECT_THAT(failure.getDescription().cStr(), HasSubstr("certificate verify failed"));
}

TEST_F(TlsStreamTest, RefusedPeerIsToldSo) {
  auto refusing = near_->shakeHands("n2").eagerlyEvaluate([](kj::Exception&&) {});
  auto failure = failureOf(far_->shakeHands(""));
  EXPECT_THAT(failure.getDescription().cStr(), HasSubstr("alert"));
}

TEST_F(TlsStreamTest, PeerIsKnownByItsCommonName) {
  shakeHands();
  EXPECT_EQ(far_->peerCommonName(), kName);
}

TEST_F(TlsStreamTest, LeavesNoErrorsInTheQueueOfTheThread) {
  auto accepted = far_->shakeHands("").eagerlyEvaluate([](kj::Exception&&) {});
  failureOf(near_->shakeHands("n2"));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace support
