#include "schema/support/tls/enrolment_tls.h"

#include <string.h>

#include <kj/debug.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "schema/support/base/openssl.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/tls/certificate.h"
#include "schema/support/tls/enrolment_token.h"
#include "schema/support/tls/tls_context.h"
#include "schema/support/tls/tls_stream.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;
using Stream = kj::Own<kj::AsyncIoStream>;

// These begin the texts of refusals. doubtOf tells them apart by these, because all are failures of
// kind denied.
constexpr kj::StringPtr kOtherAuthority = "the server is not of the token's authority"_kj;
constexpr kj::StringPtr kOtherName = "the server may not enrol nodes"_kj;
constexpr kj::StringPtr kClock = "by this machine's clock the server's certificate"_kj;

struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};

// The state of one handshake of a node.
struct Meeting {
  std::string authoritySha256;
  std::string authority;  // Set once it was shown.
  int error = X509_V_OK;  // Why the server's certificate was refused.
};

// Trusts an authority that the server itself has sent, if it is the one certificate that the token
// names. The token's digest vouches for it.
int verifyServer(X509_STORE_CTX* store, void* argument) {
  auto& meeting = *static_cast<Meeting*>(argument);
  STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
  X509* authority = nullptr;
  for (int i = 0; i < sk_X509_num(sent) && authority == nullptr; ++i) {
    X509* shown = sk_X509_value(sent, i);
    if (markOf(shown).sha256 == meeting.authoritySha256) authority = shown;
  }
  if (authority == nullptr || X509_check_ca(authority) == 0) {
    meeting.error = X509_V_ERR_CERT_UNTRUSTED;
    X509_STORE_CTX_set_error(store, meeting.error);
    return 0;
  }
  std::unique_ptr<STACK_OF(X509), FreeStack> trusted(sk_X509_new_null());
  if (trusted == nullptr || sk_X509_push(trusted.get(), authority) == 0) return 0;
  X509_STORE_CTX_set0_trusted_stack(store, trusted.get());
  int good = X509_verify_cert(store);
  meeting.error = X509_STORE_CTX_get_error(store);
  // The store must not keep a pointer to a stack that ends with this function.
  X509_STORE_CTX_set0_trusted_stack(store, nullptr);
  if (good != 1) return 0;
  Openssl<BIO> text(BIO_new(BIO_s_mem()));
  char* data = nullptr;
  PEM_write_bio_X509(text.get(), authority);
  long size = BIO_get_mem_data(text.get(), &data);
  meeting.authority.assign(data, size);
  return 1;
}

[[noreturn]] void refuse(const Meeting& meeting) {
  const char* reason = X509_verify_cert_error_string(meeting.error);
  switch (meeting.error) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
      fail(Kind::DENIED, kClock,
           meeting.error == X509_V_ERR_CERT_NOT_YET_VALID ? " is not yet valid" : " has expired");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_INVALID_PURPOSE:
      fail(Kind::DENIED, kOtherName, ": its certificate is for something else (", reason, ")");
    default:
      fail(Kind::DENIED, kOtherAuthority, " (", reason, "); it was told nothing");
  }
}

}  // namespace

EnrolmentTlsServer::EnrolmentTlsServer(const KeyPair& own, const std::string& authority,
                                       kj::Timer& timer, kj::Duration handshakeLimit)
    : context_(blankContext()), timer_(timer), handshakeLimit_(handshakeLimit) {
  OpensslScope scope;
  usePair(context_.get(), {own.certificate + authority, own.key});
}

kj::Promise<Stream> EnrolmentTlsServer::accept(Stream stream) {
  auto wrapped = kj::heap<TlsStream>(kj::mv(stream), context_.get(), TlsStream::Side::kServer);
  auto shaken = timer_.timeoutAfter(handshakeLimit_, wrapped->shakeHands(""));
  return shaken.then([wrapped = kj::mv(wrapped)]() mutable -> Stream { return kj::mv(wrapped); },
                     [](kj::Exception&& exception) -> Stream {
                       if (exception.getType() == kj::Exception::Type::OVERLOADED)
                         fail(Kind::TIMEOUT, "the TLS handshake took too long");
                       if (exception.getType() == kj::Exception::Type::DISCONNECTED)
                         fail(Kind::SYSTEM, "the client went away during the TLS handshake");
                       fail(Kind::DENIED,
                            "the TLS handshake was not completed: ", reasonOf(exception));
                     });
}

EnrolmentDoubt doubtOf(const kj::Exception& exception) {
  auto says = [&](kj::StringPtr text) {
    return strstr(exception.getDescription().cStr(), text.cStr()) != nullptr;
  };
  if (says(kOtherAuthority)) return EnrolmentDoubt::kOtherAuthority;
  if (says(kOtherName)) return EnrolmentDoubt::kOtherName;
  if (says(kClock)) return EnrolmentDoubt::kClock;
  return EnrolmentDoubt::kNone;
}

kj::Promise<EnrolmentConnection> connectForEnrolment(Stream stream,
                                                     const std::string& authoritySha256) {
  OpensslScope scope;
  auto meeting = kj::heap<Meeting>();
  meeting->authoritySha256 = authoritySha256;
  auto context = blankContext();
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context.get(), &verifyServer, meeting.get());
  auto wrapped = kj::heap<TlsStream>(kj::mv(stream), context.get(), TlsStream::Side::kClient);
  auto shaken = wrapped->shakeHands(kEnrolmentName);
  Meeting& met = *meeting;
  return shaken
      .then(
          [wrapped = kj::mv(wrapped), &met]() mutable {
            return EnrolmentConnection{kj::mv(wrapped), met.authority};
          },
          [&met](kj::Exception&& exception) -> EnrolmentConnection {
            if (met.error != X509_V_OK) refuse(met);
            kj::throwFatalException(kj::mv(exception));
          })
      .attach(kj::mv(meeting));
}

}  // namespace support
