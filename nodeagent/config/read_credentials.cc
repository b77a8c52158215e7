#include "nodeagent/config/read_credentials.h"

#include "schema/support/base/wire_error.h"

namespace nodeagent {

kj::Maybe<support::Credentials> readCredentials(const Options& options) {
  if (options.tlsCertificate.empty()) {
    if (options.tlsDenied.empty()) return nullptr;
    support::fail(wire::Error::Kind::INVALID, "tls.denied is set, and tls.certificate is not");
  }
  auto credentials = support::loadCredentials(
      {options.tlsAuthority, options.tlsCertificate, options.tlsKey, options.tlsDenied});
  // A server is made for trial, because only that finds a key that is not the certificate's.
  kj::TimerImpl timer(kj::origin<kj::TimePoint>());
  support::TlsServer(credentials, timer, 1 * kj::SECONDS);
  return credentials;
}

}  // namespace nodeagent
