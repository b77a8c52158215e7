// The front: the process that faces the network. It ends TLS, learns who the client is, checks
// frames and relays them to the keeper. It has no state that anyone would miss: it may be killed
// and started again at any time.
#pragma once

#include <sys/types.h>

#include <list>
#include <string>
#include <vector>

#include <kj/async-io.h>

#include "nodeagent/link/preamble.h"
#include "schema/support/base/endpoint.h"
#include "schema/support/rpc/admission.h"
#include "schema/support/rpc/listener.h"
#include "schema/support/tls/tls.h"

namespace nodeagent {

struct FrontOptions {
  std::vector<support::Endpoint> listen;
  support::Endpoint keeper;                     // A unix socket.
  kj::Maybe<support::Credentials> credentials;  // Needed for endpoints of kind tls.
  uid_t localUid = 0;                           // Whom unix sockets admit besides root.
  size_t connectionsMax = 256;
  support::AdmissionLimits admission;  // Of connections whose `hello` has not succeeded yet.
  std::vector<support::AddressRange> penaltyExempt;
  kj::Duration strangerLimit = 5 * kj::SECONDS;  // From accepting to the success of `hello`.
  // A certificate is looked at when a connection begins; so none lasts for ever.
  kj::Duration connectionAgeMax = 24 * kj::HOURS;
};

class Front final : private kj::TaskSet::ErrorHandler {
 public:
  // Listens on every endpoint, or throws the failure of the first that cannot be (see
  // support::Listener::open). `io` outlives it.
  Front(kj::AsyncIoContext& io, FrontOptions options);
  ~Front() noexcept(false);

  // Accepts and relays until cancelled. Rejected if a listening socket breaks.
  kj::Promise<void> run();

  // For connections from now on. Those that are open go on, but for those whose certificate is on
  // the new deny list, or of an authority that is not among the new ones. Throws, with the old ones
  // still in force, if they are not right.
  void setCredentials(const support::Credentials& credentials);

  // As listened on.
  std::vector<support::Endpoint> endpoints() const;

  size_t connectionCount() const { return connections_.size(); }

 private:
  class Connection;

  kj::Promise<void> acceptOn(support::Listener& listener);
  void welcome(support::Listener& listener, support::AcceptedSocket&& accepted);
  kj::Promise<Peer> authenticate(Connection& connection);
  kj::Promise<void> serve(Connection& connection);
  // Why the certificate of one that has shaken hands would not be accepted now.
  kj::Maybe<kj::StringPtr> refusalNow(const Connection& connection) const;
  void taskFailed(kj::Exception&& exception) override;

  kj::AsyncIoContext& io_;
  FrontOptions options_;
  kj::Vector<kj::Own<support::Listener>> listeners_;
  kj::Maybe<kj::Own<support::TlsServer>> tls_;
  support::DenyList denied_;            // As tls_ knows it, and
  std::string authorities_;             // these, PEM.
  std::list<Connection*> connections_;  // Each takes itself out.
  support::Admission admission_;
  kj::TaskSet tasks_;
};

}  // namespace nodeagent
