// The front is the process that faces the network. It ends TLS, learns the client's identity,
// checks frames and relays them to the keeper. It holds no state of its own, so it may be killed
// and started again at any time; relay.h moves the frames.
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
  // A unix socket.
  support::Endpoint keeper;
  // Needed for endpoints of kind tls.
  kj::Maybe<support::Credentials> credentials;
  // The user that unix sockets admit besides root.
  uid_t localUid = 0;
  size_t connectionsMax = 256;
  // Limits connections whose `hello` has not succeeded yet.
  support::AdmissionLimits admission;
  std::vector<support::AddressRange> penaltyExempt;
  // Bounds the time from accepting a connection until its `hello` has succeeded.
  kj::Duration strangerLimit = 5 * kj::SECONDS;
  // Ends a connection at this age, because certificates are checked only when a connection begins.
  kj::Duration connectionAgeMax = 24 * kj::HOURS;
};

class Front final : private kj::TaskSet::ErrorHandler {
 public:
  // Listens on every endpoint, or throws the failure of the first that it cannot listen on (see
  // support::Listener::open). `io` outlives this.
  Front(kj::AsyncIoContext& io, FrontOptions options);
  ~Front() noexcept(false);

  // Accepts and relays until cancelled. Rejected if a listening socket breaks.
  kj::Promise<void> run();

  // Sets the credentials for connections from now on. Open connections go on, except those whose
  // certificate is on the new deny list or made by an authority that is not among the new ones.
  // Throws, with the old credentials still in force, if the new ones are not valid.
  void setCredentials(const support::Credentials& credentials);

  // Returns the endpoints as listened on.
  std::vector<support::Endpoint> endpoints() const;

  size_t connectionCount() const { return connections_.size(); }

 private:
  class Connection;

  kj::Promise<void> acceptOn(support::Listener& listener);
  void welcome(support::Listener& listener, support::AcceptedSocket&& accepted);
  // Ends the connection that has waited for its hello the longest, among those of `source`.
  void endOldestStranger(const std::string& source);
  kj::Promise<Peer> authenticate(Connection& connection);
  kj::Promise<void> serve(Connection& connection);
  // Returns why the certificate of an open connection would not be accepted now, or nothing.
  kj::Maybe<kj::StringPtr> refusalNow(const Connection& connection) const;
  void taskFailed(kj::Exception&& exception) override;

  kj::AsyncIoContext& io_;
  FrontOptions options_;
  kj::Vector<kj::Own<support::Listener>> listeners_;
  kj::Maybe<kj::Own<support::TlsServer>> tls_;
  // The deny list and authorities (PEM) that tls_ was made with.
  support::DenyList denied_;
  std::string authorities_;
  // Each connection removes itself.
  std::list<Connection*> connections_;
  support::Admission admission_;
  kj::TaskSet tasks_;
};

}  // namespace nodeagent
