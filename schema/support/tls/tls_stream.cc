#include "schema/support/tls/tls_stream.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include <kj/debug.h>
#include <kj/vector.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "schema/support/base/openssl.h"

namespace support {
namespace {

// The memory that an idle connection holds.
constexpr size_t kReceiveBytesMin = 2 << 10;
constexpr size_t kReceiveBytesMax = 256 << 10;
// The most that one TLS record carries.
constexpr size_t kRecordBytes = 16 << 10;
// Exceeds the header and the tag of a record.
constexpr size_t kRecordExtraBytes = 64;
// The most that is encrypted before it is written to the stream below.
constexpr size_t kSendBytes = 128 << 10;
constexpr size_t kToSendBytesMin = 4 << 10;

[[noreturn]] void throwErrors() {
  char text[256];
  kj::Vector<kj::String> lines;
  while (unsigned long error = ERR_get_error()) {
    ERR_error_string_n(error, text, sizeof text);
    lines.add(kj::str(text));
  }
  // Not by KJ_EXCEPTION, which writes the expression before its value.
  kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                                        kj::str("OpenSSL error: ", kj::strArray(lines, "; "))));
}

[[noreturn]] void throwEnded() {
  kj::throwFatalException(KJ_EXCEPTION(DISCONNECTED, "the peer closed the connection"));
}

}  // namespace

// A BIO over the two buffers. It never blocks: an empty buffer means "try again".
struct TlsStream::Transport {
  static TlsStream& of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* buffer, int size) {
    TlsStream& stream = of(bio);
    BIO_clear_retry_flags(bio);
    size_t count = std::min(static_cast<size_t>(size), stream.receivedEnd_ - stream.receivedBegin_);
    if (count == 0) {
      if (stream.receivedAll_) return 0;
      BIO_set_retry_read(bio);
      return -1;
    }
    memcpy(buffer, stream.received_.begin() + stream.receivedBegin_, count);
    stream.receivedBegin_ += count;
    return static_cast<int>(count);
  }

  static int write(BIO* bio, const char* buffer, int size) {
    BIO_clear_retry_flags(bio);
    TlsStream& stream = of(bio);
    stream.reserve(static_cast<size_t>(size));
    memcpy(stream.toSend_.begin() + stream.toSendBytes_, buffer, static_cast<size_t>(size));
    stream.toSendBytes_ += static_cast<size_t>(size);
    return size;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return of(bio).receivedAll_ ? 1 : 0;
    return 0;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const kMethod = []() {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "TlsStream");
      BIO_meth_set_read(made, &read);
      BIO_meth_set_write(made, &write);
      BIO_meth_set_ctrl(made, &control);
      return made;
    }();
    return kMethod;
  }
};

TlsStream::TlsStream(kj::Own<kj::AsyncIoStream> inner, ssl_ctx_st* context, Side side)
    : inner_(kj::mv(inner)), ssl_(SSL_new(context)), tasks_(*this) {
  KJ_REQUIRE(ssl_ != nullptr, "no TLS state could be made");
  BIO* bio = BIO_new(Transport::method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  // OpenSSL then frees the record buffers of an idle connection.
  SSL_set_mode(ssl_, SSL_MODE_RELEASE_BUFFERS);
  if (side == Side::kServer) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
  }
}

TlsStream::~TlsStream() noexcept(false) {
  SSL_free(ssl_);
}

kj::Promise<void> TlsStream::shakeHands(kj::StringPtr expectedName) {
  if (expectedName.size() > 0) {
    X509_VERIFY_PARAM* verify = SSL_get0_param(ssl_);
    // A certificate is for the names in it, not for others that a pattern or its subject could
    // match.
    X509_VERIFY_PARAM_set_hostflags(
        verify, X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    KJ_REQUIRE(X509_VERIFY_PARAM_set1_host(verify, expectedName.cStr(), expectedName.size()) == 1,
               "not a name that a certificate can have", expectedName);
    SSL_set_tlsext_host_name(ssl_, expectedName.cStr());
  }
  return kj::evalNow([&]() { return continueHandshake(); });
}

kj::Promise<void> TlsStream::continueHandshake() {
  OpensslScope scope;
  int result = SSL_do_handshake(ssl_);
  if (result == 1) return send();
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      if (receivedAll_) throwEnded();
      return send().then([this]() { return receive(); }).then([this]() {
        return continueHandshake();
      });
    case SSL_ERROR_SSL: {
      if (receivedAll_ && ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        throwEnded();
      }
      // The alert that waits to be sent tells the peer why. It goes out before the handshake is
      // rejected, since its owner then drops this stream.
      auto failure = kj::runCatchingExceptions([]() { throwErrors(); });
      return send()
          .catch_([](kj::Exception&&) {})
          .then([failure = kj::mv(KJ_ASSERT_NONNULL(failure))]() mutable -> kj::Promise<void> {
            return kj::mv(failure);
          });
    }
    default:
      throwEnded();
  }
}

std::string TlsStream::peerCommonName() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  return certificate == nullptr ? "" : commonNameOf(certificate);
}

CertificateMark TlsStream::peerAuthorityMark() const {
  STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl_);
  int count = sk_X509_num(chain);
  return count <= 0 ? CertificateMark() : markOf(sk_X509_value(chain, count - 1));
}

CertificateMark TlsStream::peerMark() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  return certificate == nullptr ? CertificateMark() : markOf(certificate);
}

kj::Promise<size_t> TlsStream::tryRead(void* buffer, size_t minBytes, size_t maxBytes) {
  return kj::evalNow(
      [&]() { return readOn(static_cast<kj::byte*>(buffer), 0, minBytes, maxBytes); });
}

kj::Promise<size_t> TlsStream::readOn(kj::byte* buffer, size_t doneBytes, size_t minBytes,
                                      size_t maxBytes) {
  OpensslScope scope;
  while (doneBytes < maxBytes) {
    size_t count = 0;
    int error = SSL_ERROR_WANT_READ;
    if (hasUnread()) {
      if (SSL_read_ex(ssl_, buffer + doneBytes, maxBytes - doneBytes, &count) == 1) {
        doneBytes += count;
        continue;
      }
      error = SSL_get_error(ssl_, 0);
    }
    switch (error) {
      case SSL_ERROR_ZERO_RETURN:
        return doneBytes;
      case SSL_ERROR_WANT_READ:
        if (toSendBytes_ > 0) sendInBackground();  // TLS itself has something to answer.
        if (doneBytes >= minBytes) return doneBytes;
        return receive().then([this, buffer, doneBytes, minBytes, maxBytes]() {
          return readOn(buffer, doneBytes, minBytes, maxBytes);
        });
      case SSL_ERROR_SSL:
        if (ERR_GET_REASON(ERR_peek_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING) throwErrors();
        throwEnded();
      default:
        throwEnded();
    }
  }
  return doneBytes;
}

// Returns whether a read can say anything but that nothing has arrived. Asking OpenSSL for that
// would allocate and release a record buffer.
bool TlsStream::hasUnread() const {
  return receivedBegin_ < receivedEnd_ || receivedAll_ || SSL_has_pending(ssl_) == 1 ||
         SSL_get_shutdown(ssl_) != 0;
}

// Reads at least one byte, or the end, into the buffer. The buffer grows by four when a read filled
// it and shrinks by half when one hardly used it, so that bulk data needs few system calls and an
// idle connection little memory.
kj::Promise<void> TlsStream::receive() {
  size_t wanted = received_.size();
  if (wanted == 0) {
    wanted = kReceiveBytesMin;
  } else if (receivedEnd_ == received_.size()) {
    wanted = std::min(4 * wanted, kReceiveBytesMax);
  } else if (receivedEnd_ < received_.size() / 8) {
    wanted = std::max(wanted / 2, kReceiveBytesMin);
  }
  KJ_ASSERT(receivedBegin_ == receivedEnd_, "what was received has not been read yet");
  if (wanted != received_.size()) received_ = kj::heapArray<kj::byte>(wanted);
  receivedBegin_ = receivedEnd_ = 0;
  return inner_->tryRead(received_.begin(), 1, received_.size()).then([this](size_t count) {
    receivedEnd_ = count;
    if (count == 0) receivedAll_ = true;
  });
}

kj::Promise<void> TlsStream::write(const void* buffer, size_t size) {
  auto piece = kj::heap<kj::ArrayPtr<const kj::byte>>(
      kj::arrayPtr(static_cast<const kj::byte*>(buffer), size));
  auto written = write(kj::arrayPtr(piece.get(), 1));
  return written.attach(kj::mv(piece));
}

kj::Promise<void> TlsStream::write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) {
  return kj::evalNow([&]() { return writeOn({pieces}); });
}

kj::Promise<void> TlsStream::writeOn(Pieces pieces) {
  encryptSome(pieces);
  auto sent = send();
  if (pieces.rest.size() == 0) return sent;
  return sent.then([this, pieces]() { return writeOn(pieces); });
}

// Encrypts the next pieces into toSend_. Whole records are encrypted in place. Smaller pieces are
// copied together into one record, because each record costs a header, a tag and a call of the
// cipher.
void TlsStream::encryptSome(Pieces& pieces) {
  OpensslScope scope;
  size_t plainBytes = 0;
  for (auto piece : pieces.rest) plainBytes += piece.size();
  plainBytes = std::min(plainBytes - pieces.offset, kSendBytes);
  // The space is reserved once for all records, or toSend_ would be copied as it grows.
  reserve(plainBytes + (plainBytes / kRecordBytes + 2) * kRecordExtraBytes);
  kj::byte record[kRecordBytes];
  while (pieces.rest.size() > 0 && toSendBytes_ < kSendBytes) {
    auto bytes = pieces.rest[0].slice(pieces.offset, pieces.rest[0].size());
    if (bytes.size() >= kRecordBytes) {
      encrypt(bytes.begin(), kRecordBytes);
      pieces.offset += kRecordBytes;
      continue;
    }
    size_t filled = 0;
    while (pieces.rest.size() > 0 && filled < kRecordBytes) {
      bytes = pieces.rest[0].slice(pieces.offset, pieces.rest[0].size());
      size_t count = std::min(bytes.size(), kRecordBytes - filled);
      if (count > 0) memcpy(record + filled, bytes.begin(), count);
      filled += count;
      pieces.offset += count;
      if (pieces.offset == pieces.rest[0].size()) {
        pieces = {pieces.rest.slice(1, pieces.rest.size()), 0};
      }
    }
    if (filled > 0) encrypt(record, filled);
  }
}

void TlsStream::encrypt(const kj::byte* bytes, size_t size) {
  size_t written = 0;
  if (SSL_write_ex(ssl_, bytes, size, &written) == 1 && written == size) return;
  if (SSL_get_error(ssl_, 0) == SSL_ERROR_SSL) throwErrors();
  throwEnded();
}

// Makes toSend_ large enough for `bytes` more.
void TlsStream::reserve(size_t bytes) {
  size_t wanted = toSendBytes_ + bytes;
  if (wanted <= toSend_.size()) return;
  auto larger = kj::heapArray<kj::byte>(std::max({wanted, 2 * toSend_.size(), kToSendBytesMin}));
  if (toSendBytes_ > 0) memcpy(larger.begin(), toSend_.begin(), toSendBytes_);
  toSend_ = kj::mv(larger);
}

// Writes toSend_ behind the write that is under way. The stream below takes one write at a time, so
// writes form a chain; the buffer moves into its own write, and the next encryption begins a new
// one.
kj::Promise<void> TlsStream::send() {
  if (toSendBytes_ == 0 && sending_ == nullptr) return kj::READY_NOW;
  auto writeBytes = [this, size = std::exchange(toSendBytes_, 0),
                     bytes = kj::mv(toSend_)]() mutable -> kj::Promise<void> {
    if (size == 0) return kj::READY_NOW;
    auto written = inner_->write(bytes.begin(), size);
    return written.attach(kj::mv(bytes));
  };
  kj::Promise<void> before = kj::READY_NOW;
  KJ_IF_MAYBE (earlier, sending_) before = earlier->addBranch();
  auto forked = before.then(kj::mv(writeBytes)).fork();
  auto branch = forked.addBranch();
  sending_ = kj::mv(forked);
  return branch;
}

void TlsStream::sendInBackground() {
  tasks_.add(send());
}

void TlsStream::shutdownWrite() {
  OpensslScope scope;
  SSL_shutdown(ssl_);
  tasks_.add(send().then([this]() { inner_->shutdownWrite(); }));
}

void TlsStream::taskFailed(kj::Exception&&) {
  // The next read or write meets the same failure and reports it.
}

}  // namespace support
