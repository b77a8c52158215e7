#include "harness/pki/enrolment_server.h"

#include <algorithm>
#include <vector>

#include <kj/async-io.h>
#include <kj/debug.h>

#include "harness/pki/error.h"
#include "schema/enrol.capnp.h"
#include "schema/support/base/id.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/admission.h"
#include "schema/support/rpc/listener.h"
#include "schema/support/rpc/rpc_connection.h"
#include "schema/support/rpc/socket_stream.h"
#include "schema/support/tls/enrolment_tls.h"

namespace harness {
namespace {

using Reason = wire::EnrolmentRefusal::Reason;
using support::Level;

constexpr kj::Duration kHandshakeLimit = 5 * kj::SECONDS;

Reason onWire(EnrolmentReason reason) {
  switch (reason) {
    case EnrolmentReason::kUnknownToken:
      return Reason::UNKNOWN_TOKEN;
    case EnrolmentReason::kExpiredToken:
      return Reason::EXPIRED_TOKEN;
    case EnrolmentReason::kUsedToken:
      return Reason::USED_TOKEN;
    case EnrolmentReason::kBadRequest:
      return Reason::BAD_REQUEST;
    case EnrolmentReason::kNameTaken:
      return Reason::NAME_TAKEN;
    case EnrolmentReason::kFull:
      return Reason::FULL;
    case EnrolmentReason::kBroken:
      return Reason::BROKEN;
    case EnrolmentReason::kNone:
      break;
  }
  return Reason::UNSPECIFIED;
}

support::GuardOptions guardOptions() {
  support::GuardOptions options;
  options.bootstrapsMax = 2;
  options.questionsMax = 4;
  options.queueMessagesMax = 4;
  options.queueBytesMax = 256 << 10;
  return options;
}

using Kind = AuthorityError::Kind;

[[noreturn]] void refuse(Kind kind, const std::string& text) {
  throw AuthorityError(kind, text);
}

support::Endpoint endpointOf(const std::string& listen) {
  std::string why;
  auto endpoint = support::Endpoint::fromText("tls:" + listen, &why);
  if (!endpoint)
    refuse(Kind::kUsage, "listen \"" + listen + "\": wanted ADDRESS:PORT, such as 10.1.0.1:7412");
  return *endpoint;
}

support::AdmissionLimits limitsOf(const EnrolmentServerOptions& options) {
  support::AdmissionLimits limits;
  limits.strangersMax = options.connectionsMax;
  limits.strangersPerSourceMax = options.perSourceMax;
  limits.dropFrom = std::max<size_t>(options.connectionsMax * 3 / 4, 1);
  return limits;
}

std::vector<support::AddressRange> rangesOf(const std::string& text) {
  std::string why;
  auto ranges = support::addressRanges(text, &why);
  if (!ranges) refuse(Kind::kUsage, "penalty-exempt: " + why);
  return *ranges;
}

// The text of a failure, without the values that KJ appends.
std::string textOf(const kj::Exception& exception) {
  return support::toFailure(exception, "enrolment").text.cStr();
}

void write(const EnrolmentReply& reply, wire::EnrolmentAnswer::Builder answer) {
  if (reply.reason == EnrolmentReason::kNone) {
    answer.setCertificate(reply.certificate.c_str());
    return;
  }
  auto refusal = answer.initRefusal();
  refusal.setReason(onWire(reply.reason));
  refusal.setText(reply.text.c_str());
}

}  // namespace

struct EnrolmentServer::Impl final : private kj::TaskSet::ErrorHandler {
  explicit Impl(EnrolmentServerOptions given)
      : options(std::move(given)),
        admission(limitsOf(options), rangesOf(options.penaltyExempt),
                  []() { return static_cast<uint32_t>(support::randomNumber() % 100); }),
        tls({options.certificate, options.key}, options.authority, io.provider->getTimer(),
            kHandshakeLimit),
        listener(support::Listener::open(endpointOf(options.listen), io.unixEventPort,
                                         io.provider->getTimer())),
        tasks(*this) {}

  class Connection;
  class Service;

  kj::Promise<void> acceptAll() {
    return listener->accept().then([this](support::AcceptedSocket&& accepted) {
      welcome(kj::mv(accepted));
      return acceptAll();
    });
  }

  void welcome(support::AcceptedSocket&& accepted);

  // Answers a node, and penalizes its address if it does not know the secret. A server with too
  // many connections says so without asking for a certificate.
  EnrolmentReply answerTo(const EnrolmentAsk& ask, const sockaddr_storage& peer) {
    if (admission.strangerCount() > options.busyMax) {
      return {EnrolmentReason::kFull,
              "more than " + std::to_string(options.busyMax) + " nodes ask at once", ""};
    }
    EnrolmentReply reply = options.answer(ask);
    if (reply.reason == EnrolmentReason::kUnknownToken) {
      admission.penalize(peer, io.provider->getTimer().now());
    }
    if (reply.reason != EnrolmentReason::kNone) {
      support::logLimited("enrol", Level::kWarn, "enrolment refused",
                          {{"peer", ask.from}, {"reason", reply.text}});
    } else if (++enrolled >= wanted && enough.get() != nullptr) {
      enough->fulfill();
    }
    return reply;
  }

  void taskFailed(kj::Exception&& exception) override {
    support::logLimited("enrolTask", Level::kError, "a connection's task failed",
                        {{"text", textOf(exception)}});
  }

  EnrolmentServerOptions options;
  kj::AsyncIoContext io = kj::setupAsyncIo();
  support::Admission admission;
  support::EnrolmentTlsServer tls;
  kj::Own<support::Listener> listener;
  size_t enrolled = 0;
  size_t wanted = 0;
  kj::Own<kj::PromiseFulfiller<void>> enough;
  kj::TaskSet tasks;
};

// The interface of a node. It can be called once for a connection, so that secrets cannot be tried
// one behind the other without passing admission each time.
class EnrolmentServer::Impl::Service final : public wire::Enrolment::Server {
 public:
  Service(Impl& server, const sockaddr_storage& peer) : server_(server), peer_(peer) {}

 protected:
  kj::Promise<void> enrol(EnrolContext call) override {
    auto params = call.getParams();
    EnrolmentAsk ask{params.getTokenId(), params.getSecret(), params.getRequest(),
                     support::hostText(peer_)};
    EnrolmentReply reply{EnrolmentReason::kFull, "one call a connection; connect again", ""};
    if (!asked_) {
      asked_ = true;
      reply = server_.answerTo(ask, peer_);
    }
    write(reply, call.getResults());
    return kj::READY_NOW;
  }

 private:
  Impl& server_;
  const sockaddr_storage peer_;
  bool asked_ = false;
};

// The connection of one node, which admission counts while it lives.
class EnrolmentServer::Impl::Connection {
 public:
  Connection(Impl& server, const sockaddr_storage& peer)
      : server_(server), source_(support::sourceOf(peer)) {
    server_.admission.enter(source_);
  }
  ~Connection() noexcept(false) { server_.admission.leave(source_); }

  kj::Own<support::RpcConnection> rpc;

 private:
  Impl& server_;
  const std::string source_;
};

// Admits a connection before its handshake. One limit holds for the
// handshake and the call together, and the connection counts until its task is over.
void EnrolmentServer::Impl::welcome(support::AcceptedSocket&& accepted) {
  auto& timer = io.provider->getTimer();
  sockaddr_storage peer = accepted.peer;
  KJ_IF_MAYBE (reason, admission.refusal(peer, timer.now())) {
    support::logLimited("refuse", Level::kWarn, "connection refused",
                        {{"peer", support::hostText(peer)}, {"reason", *reason}});
    return;
  }
  auto connection = kj::heap<Connection>(*this, peer);
  Connection& reference = *connection;
  auto served =
      tls.accept(kj::heap<support::SocketStream>(io.unixEventPort, kj::mv(accepted.socket)))
          .then([this, &reference, &timer, peer](kj::Own<kj::AsyncIoStream>&& stream) {
            reference.rpc = kj::heap<support::RpcConnection>(
                kj::mv(stream), timer, kj::heap<Service>(*this, peer), guardOptions());
            return reference.rpc->onDisconnect();
          });
  tasks.add(timer.timeoutAfter(options.limit.count() * kj::MILLISECONDS, kj::mv(served))
                .catch_([peer](kj::Exception&& exception) {
                  bool late = exception.getType() == kj::Exception::Type::OVERLOADED;
                  support::logLimited("connection", Level::kInfo, "connection ended",
                                      {{"peer", support::hostText(peer)},
                                       {"reason", late ? "it took too long" : textOf(exception)}});
                })
                .attach(kj::mv(connection)));
}

EnrolmentServer::EnrolmentServer(EnrolmentServerOptions options) {
  try {
    impl_ = std::make_unique<Impl>(std::move(options));
  } catch (const kj::Exception& exception) {
    refuse(Kind::kIo, textOf(exception));
  }
}

EnrolmentServer::~EnrolmentServer() = default;

std::string EnrolmentServer::endpoint() const {
  return impl_->listener->endpoint().text().substr(sizeof "tls:" - 1);
}

// Stops accepting when enough nodes are enrolled or the time is over, and lets those that are being
// served finish.
size_t EnrolmentServer::run(size_t enrolled, std::chrono::steady_clock::time_point until) {
  auto& timer = impl_->io.provider->getTimer();
  auto enough = kj::newPromiseAndFulfiller<void>();
  impl_->wanted = enrolled == 0 ? SIZE_MAX : enrolled;
  impl_->enough = kj::mv(enough.fulfiller);
  auto left = std::max<std::chrono::nanoseconds>(until - std::chrono::steady_clock::now(),
                                                 std::chrono::nanoseconds(0));
  impl_->acceptAll()
      .exclusiveJoin(timer.afterDelay(left.count() * kj::NANOSECONDS))
      .exclusiveJoin(kj::mv(enough.promise))
      .wait(impl_->io.waitScope);
  // Each connection ends by itself, at its limit at the latest.
  impl_->tasks.onEmpty().wait(impl_->io.waitScope);
  return impl_->enrolled;
}

}  // namespace harness
