#include "nodeagent/front/front.h"

#include <kj/debug.h>

#include "nodeagent/front/relay.h"
#include "schema/support/base/id.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/socket_stream.h"
#include "schema/support/tls/dial.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;
using support::Transport;

constexpr kj::StringPtr kNowDenied = "its certificate is on the deny list now"_kj;
constexpr kj::StringPtr kNotTrusted = "the authority of its certificate is not trusted any more"_kj;

std::string addressText(const support::AcceptedSocket& accepted) {
  if (accepted.peer.ss_family == AF_UNIX || accepted.peer.ss_family == AF_UNSPEC) {
    return "unix pid " + std::to_string(accepted.pid);
  }
  support::Endpoint endpoint;
  endpoint.address = accepted.peer;
  return support::hostText(accepted.peer) + " port " + std::to_string(endpoint.port());
}

}  // namespace

// One client, from accepting to the end. It enters itself into the front's list and counts.
class Front::Connection {
 public:
  Connection(Front& front, Transport over, support::AcceptedSocket&& socket)
      : accepted(kj::mv(socket)),
        transport(over),
        source(support::sourceOf(accepted.peer)),
        address(addressText(accepted)),
        front_(front) {
    position_ = front_.connections_.insert(front_.connections_.end(), this);
    front_.admission_.enter(source);
  }
  ~Connection() noexcept(false) {
    front_.connections_.erase(position_);
    leave();
  }

  // The client's hello has succeeded.
  void admit() {
    if (!isStranger_) return;
    leave();
    front_.admission_.proved(source, front_.io_.provider->getTimer().now());
    admission->fulfill();
  }

  // Gives its place among the strangers to others.
  void leave() {
    if (isStranger_) front_.admission_.leave(source);
    isStranger_ = false;
  }

  bool isStranger() const { return isStranger_; }

  support::AcceptedSocket accepted;
  const Transport transport;
  const std::string source;
  const std::string address;
  support::CertificateMark mark;       // Names a TLS client that has shaken hands.
  support::CertificateMark authority;  // Names the authority that vouches for it.
  kj::Own<kj::PromiseFulfiller<void>> admission;
  kj::Own<kj::PromiseFulfiller<void>> end;  // Rejecting it closes the connection.

  kj::Own<kj::AsyncIoStream> client;
  kj::Own<kj::AsyncIoStream> keeper;
  std::string preamble;

 private:
  Front& front_;
  std::list<Connection*>::iterator position_;
  bool isStranger_ = true;
};

Front::Front(kj::AsyncIoContext& io, FrontOptions options)
    : io_(io),
      options_(kj::mv(options)),
      admission_(options_.admission, options_.penaltyExempt,
                 []() { return static_cast<uint32_t>(support::randomNumber() % 100); }),
      tasks_(*this) {
  KJ_IF_MAYBE (credentials, options_.credentials) {
    setCredentials(*credentials);
  }
  for (const auto& endpoint : options_.listen) {
    if (endpoint.transport == Transport::kTls && tls_ == nullptr) {
      support::fail(Kind::INVALID, "listen ", endpoint.text().c_str(),
                    ": needs certificates; set tls authority, certificate and key");
    }
    listeners_.add(support::Listener::open(endpoint, io.unixEventPort, io.provider->getTimer(),
                                           support::AbsentAddress::kAwaited));
  }
}

Front::~Front() noexcept(false) {}

void Front::setCredentials(const support::Credentials& credentials) {
  tls_ =
      kj::heap<support::TlsServer>(credentials, io_.provider->getTimer(), options_.strangerLimit);
  std::string why;
  auto denied = support::DenyList::fromText(credentials.denied, &why);
  KJ_ASSERT(denied.has_value(), "TlsServer has read it", why.c_str());
  denied_ = kj::mv(*denied);
  authorities_ = credentials.authority;
  // Connections that began under the old credentials end if the new ones would refuse them. Those
  // without a certificate do not depend on them.
  for (Connection* connection : connections_) {
    if (connection->end.get() == nullptr || connection->mark.sha256.empty()) continue;
    KJ_IF_MAYBE (reason, refusalNow(*connection)) {
      connection->end->reject(support::toException({Kind::DENIED, 0, kj::str(*reason)}));
    }
  }
}

kj::Maybe<kj::StringPtr> Front::refusalNow(const Connection& connection) const {
  if (denied_.covers(connection.mark)) return kNowDenied;
  if (!support::holdsCertificate(authorities_, connection.authority.sha256)) return kNotTrusted;
  return nullptr;
}

std::vector<support::Endpoint> Front::endpoints() const {
  std::vector<support::Endpoint> result;
  for (auto& listener : listeners_) result.push_back(listener->endpoint());
  return result;
}

kj::Promise<void> Front::run() {
  kj::Promise<void> all = kj::NEVER_DONE;
  for (auto& listener : listeners_) all = all.exclusiveJoin(acceptOn(*listener));
  return all;
}

kj::Promise<void> Front::acceptOn(support::Listener& listener) {
  return listener.accept().then([this, &listener](support::AcceptedSocket&& accepted) {
    welcome(listener, kj::mv(accepted));
    return acceptOn(listener);
  });
}

void Front::welcome(support::Listener& listener, support::AcceptedSocket&& accepted) {
  Transport transport = listener.endpoint().transport;
  kj::StringPtr reason;
  if (connections_.size() >= options_.connectionsMax) {
    reason = "too many connections";
  } else if (transport == Transport::kUnix && accepted.uid != 0 &&
             accepted.uid != options_.localUid) {
    reason = "neither root nor our own user";
  } else KJ_IF_MAYBE (refusal, admission_.refusal(accepted.peer, io_.provider->getTimer().now())) {
    reason = *refusal;
  }
  if (reason != nullptr) {
    support::logLimited("refuse", support::Level::kWarn, "connection refused",
                        {{"peer", addressText(accepted)}, {"reason", reason}});
    return;
  }
  std::string source = support::sourceOf(accepted.peer);
  if (admission_.mustDisplace(source, io_.provider->getTimer().now())) endOldestStranger(source);
  auto connection = kj::heap<Connection>(*this, transport, kj::mv(accepted));
  auto& reference = *connection;
  tasks_.add(kj::evalNow([this, &reference]() { return serve(reference); })
                 .catch_([address = reference.address](kj::Exception&& exception) {
                   support::logLimited(
                       "connection", support::Level::kInfo, "connection ended",
                       {{"peer", address}, {"reason", support::reasonOf(exception)}});
                 })
                 .attach(kj::mv(connection)));
}

void Front::endOldestStranger(const std::string& source) {
  for (Connection* connection : connections_) {
    if (!connection->isStranger() || connection->source != source) continue;
    // Its place is free at once, and the connection ends in a later turn.
    connection->leave();
    connection->end->reject(support::toException(
        {Kind::OVERLOADED, 0, kj::str("its place goes to a newer connection from its address")}));
    return;
  }
}

// Learns the client's identity and stores its stream in `connection.client`.
kj::Promise<Peer> Front::authenticate(Connection& connection) {
  kj::Own<kj::AsyncIoStream> stream =
      kj::heap<support::SocketStream>(io_.unixEventPort, kj::mv(connection.accepted.socket));
  std::string uid = "uid:" + std::to_string(connection.accepted.uid);
  switch (connection.transport) {
    case Transport::kTls:
      return KJ_ASSERT_NONNULL(tls_)
          ->accept(kj::mv(stream))
          .catch_([this, &connection](kj::Exception&& exception) -> support::TlsServer::Accepted {
            if (support::toFailure(exception, "handshake").kind == Kind::DENIED) {
              // Only a refused certificate is penalized. A slow or broken connection may be an
              // honest client's.
              admission_.penalize(connection.accepted.peer, io_.provider->getTimer().now());
            }
            kj::throwFatalException(kj::mv(exception));
          })
          .then([this, &connection](support::TlsServer::Accepted&& accepted) {
            connection.mark = kj::mv(accepted.mark);
            connection.authority = kj::mv(accepted.authority);
            // The credentials may have been replaced during this handshake.
            KJ_IF_MAYBE (reason, refusalNow(connection)) {
              support::fail(Kind::DENIED, *reason);
            }
            connection.client = kj::mv(accepted.stream);
            return Peer{kj::mv(accepted.identity), connection.address};
          });
    case Transport::kUnix:
      connection.client = kj::mv(stream);
      return Peer{{uid, wire::Role::ADMIN}, connection.address};
    case Transport::kTcp:
      // Plain TCP is for loopback only. Any user of the machine can be this client, so it is for
      // test nodes, and the identity's name says so.
      connection.client = kj::mv(stream);
      return Peer{{"loopback", wire::Role::ADMIN}, connection.address};
  }
  KJ_UNREACHABLE;
}

kj::Promise<void> Front::serve(Connection& connection) {
  auto& timer = io_.provider->getTimer();
  auto admission = kj::newPromiseAndFulfiller<void>();
  connection.admission = kj::mv(admission.fulfiller);
  // Four promises race for the connection's end: relaying, the limit for a stranger, which `admit`
  // lifts, a rejection by setCredentials, and old age.
  auto late = timer.afterDelay(options_.strangerLimit)
                  .then([this]() -> kj::Promise<void> {
                    support::fail(Kind::TIMEOUT, "no successful hello within ",
                                  options_.strangerLimit / kj::MILLISECONDS, " ms");
                  })
                  .exclusiveJoin(kj::mv(admission.promise))
                  .then([]() -> kj::Promise<void> { return kj::NEVER_DONE; });

  auto relay =
      authenticate(connection)
          .then([this, &connection, &timer](Peer&& peer) {
            connection.preamble = preambleOf(peer);
            return support::dial(io_.unixEventPort, timer,
                                 {options_.keeper, nullptr, "", 3 * kj::SECONDS, nullptr});
          })
          .then([&connection](kj::Own<kj::AsyncIoStream>&& stream) {
            connection.keeper = kj::mv(stream);
            return connection.keeper->write(connection.preamble.data(), connection.preamble.size());
          })
          .then([&connection, &timer]() {
            return relayBothWays(*connection.client, *connection.keeper, timer,
                                 [&connection]() { connection.admit(); });
          });
  auto end = kj::newPromiseAndFulfiller<void>();
  connection.end = kj::mv(end.fulfiller);
  auto old = timer.afterDelay(options_.connectionAgeMax).then([]() -> kj::Promise<void> {
    support::fail(Kind::TIMEOUT, "it is as old as a connection may get; the client makes another");
  });
  return relay.exclusiveJoin(kj::mv(late))
      .exclusiveJoin(kj::mv(end.promise))
      .exclusiveJoin(kj::mv(old));
}

void Front::taskFailed(kj::Exception&& exception) {
  support::log(support::Level::kError, "a connection's task failed",
               {{"text", exception.getDescription()}});
}

}  // namespace nodeagent
