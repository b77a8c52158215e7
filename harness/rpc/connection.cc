// Makes the connection to one agent and its session, again after each loss. Calls over it, and the
// repetition of calls, are in the header.
#include "harness/rpc/connection.h"

#include <algorithm>

#include <kj/debug.h>

#include "harness/rpc/bytes.h"
#include "harness/rpc/earlier_sessions.h"
#include "harness/values/failure_text.h"
#include "schema/facts.capnp.h"
#include "schema/file.capnp.h"
#include "schema/job.capnp.h"
#include "schema/service.capnp.h"
#include "schema/support/base/log.h"
#include "schema/support/base/version.h"
#include "schema/support/tls/tls.h"

namespace harness {
namespace {

using ErrorKind = muster::NodeError::Kind;

// A refused connection is tried again after this time, in case someone has mended the cause.
constexpr std::chrono::seconds kRefusedPause{30};

// The end of a session waits this long for a node that is not connected.
constexpr std::chrono::seconds kCloseReconnectMax{2};

int64_t nanoseconds(std::chrono::nanoseconds duration) {
  return duration.count();
}

kj::Exception lossOf(kj::StringPtr reason) {
  return kj::Exception(kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__, kj::str(reason));
}

}  // namespace

void EstablishedConnection::requireMinor(uint16_t minor, kj::StringPtr feature) const {
  if (grants.agentMinor() >= minor) return;
  support::fail(wire::Error::Kind::UNSUPPORTED, "this agent is too old for ", feature,
                ": it speaks protocol ", wire::PROTOCOL_MAJOR, ".", grants.agentMinor(),
                ", and they came with ", wire::PROTOCOL_MAJOR, ".", minor, "; upgrade it");
}

Connection::Connection(Loop& loop, const NodeDescription& description,
                       const ControllerOptions& options)
    : loop_(loop),
      description_(description),
      options_(options),
      sessionId_(loop.randomId()),
      scopes_(loop, description.name) {
  state_.since = loop_.now();
}

Connection::~Connection() {
  driver_ = nullptr;
}

void Connection::begin() {
  driver_ = drive().eagerlyEvaluate([this](kj::Exception&& exception) {
    // Only a bug of ours ends the driver; the state says so instead of waiting for ever.
    refused_ = true;
    setState(Kind::kRefused, kj::str("connecting stopped: ", textOf(exception)).cStr());
    wake(upWaiters_);
  });
}

muster::NodeState Connection::snapshot() const {
  std::lock_guard<std::mutex> lock(mutex_);
  muster::NodeState state = state_;
  state.clock = clock_.estimate(OurClock::now());
  return state;
}

void Connection::setState(Kind kind, std::string error) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (state_.kind != kind) state_.since = loop_.now();
  state_.kind = kind;
  state_.lastError = std::move(error);
}

void Connection::wake(std::deque<kj::Own<kj::PromiseFulfiller<void>>>& waiters) {
  for (auto& waiter : waiters) waiter->fulfill();
  waiters.clear();
}

kj::Exception Connection::unreachable() const {
  muster::NodeState now = snapshot();
  auto since = loop_.now() - now.since;
  return unreachableNode(kj::str(
      "since ", durationText(since).c_str(),
      ", last error: ", now.lastError.empty() ? "none, still connecting" : now.lastError.c_str()));
}

kj::Promise<kj::Own<EstablishedConnection>> Connection::live(SteadyTime until) {
  KJ_IF_MAYBE (live, live_) return kj::addRef(**live);
  if (closed_) return unreachableNode("the connection was closed");
  if (refused_) return support::failure(wire::Error::Kind::REFUSED, snapshot().lastError.c_str());
  auto waiter = kj::newPromiseAndFulfiller<void>();
  upWaiters_.push_back(kj::mv(waiter.fulfiller));
  return waiter.promise.exclusiveJoin(expire<void>(until, [this]() { return unreachable(); }))
      .then([this, until]() { return live(until); });
}

kj::Promise<bool> Connection::down(SteadyTime until) {
  if (live_ == nullptr) return true;
  auto waiter = kj::newPromiseAndFulfiller<void>();
  downWaiters_.push_back(kj::mv(waiter.fulfiller));
  return waiter.promise.then([]() { return true; })
      .exclusiveJoin(
          loop_.timer().afterDelay(loop_.durationUntil(until)).then([]() { return false; }));
}

// Keeps the node connected until the driver is dropped: establishes a connection, waits for its
// loss, pauses, and begins again. A failed attempt is noted and leads to the next one, so that the
// chain never rejects. The reference keeps the connection while its loss is awaited, because
// noteLoss gives ours away.
kj::Promise<void> Connection::drive() {
  return establish()
      .then(
          [this]() -> kj::Promise<void> {
            KJ_IF_MAYBE (live, live_) {
              EstablishedConnection& current = **live;
              return KJ_ASSERT_NONNULL(current.lost)
                  .addBranch()
                  .catch_([this, &current](kj::Exception&& exception) {
                    noteLoss(current, textOf(exception));
                  })
                  .attach(kj::addRef(current));
            }
            return kj::READY_NOW;
          },
          [this](kj::Exception&& exception) -> kj::Promise<void> {
            noteFailure(exception);
            return kj::READY_NOW;
          })
      .then([this]() { return pause(); })
      .then([this]() { return drive(); });
}

// Makes one attempt in its turn. The slot belongs to a promise that is joined to the attempt and
// never resolves: it is given back with the end of the attempt, or earlier if that is slow.
kj::Promise<void> Connection::establish() {
  return loop_.connectSlots().take().then([this](kj::Own<ConnectSlots::Slot>&& turn) {
    kj::TimePoint begin = loop_.timer().now();
    return establishNow()
        .then([this, begin]() { loop_.connectSlots().noteSuccess(loop_.timer().now() - begin); })
        .exclusiveJoin(releaseSlotWhenSlow(kj::mv(turn), begin));
  });
}

// Gives the slot of a node that does not answer to the next one before the attempt is over. Never
// resolves. The limit is read anew each time, since it follows the attempts that succeed meanwhile.
kj::Promise<void> Connection::releaseSlotWhenSlow(kj::Own<ConnectSlots::Slot> turn,
                                                  kj::TimePoint begin) {
  return loop_.timer()
      .afterDelay(ConnectSlots::kHoldMin)
      .then([this, turn = kj::mv(turn), begin]() mutable -> kj::Promise<void> {
        if (loop_.timer().now() - begin < loop_.connectSlots().holdMax()) {
          return releaseSlotWhenSlow(kj::mv(turn), begin);
        }
        turn = nullptr;
        return kj::NEVER_DONE;
      });
}

// Dials, greets, and notes the connection as established, in this order and within connectMax
// together. An attempt that fails on the way leaves nothing behind: its connection goes with it.
kj::Promise<void> Connection::establishNow() {
  SteadyTime until = loop_.now() + options_.connectMax;
  auto made = loop_.dial(description_.route, description_.name, options_.connectMax)
                  .then([this](kj::Own<kj::AsyncIoStream>&& stream) {
                    auto live = kj::refcounted<EstablishedConnection>(
                        kj::heap<support::RpcConnection>(kj::mv(stream), loop_.timer()));
                    auto gate = live->connection->bootstrap().castAs<wire::Gate>();
                    EstablishedConnection& target = *live;
                    return greet(target, kj::mv(gate), Renewal::kAllowed)
                        .then([this, live = kj::mv(live)]() mutable { noteUp(kj::mv(live)); });
                  });
  return made.exclusiveJoin(expire<void>(until, [this]() {
    return unreachableNode(
        kj::str("connect: no answer within ", durationText(options_.connectMax).c_str()));
  }));
}

// Says hello, which begins the session or attaches to it.
//
// A session that the agent has once accepted is only attached to: if it were created anew under its
// id, its commands would be started again. The first hello may create it or attach to it, since its
// answer may have been lost. A session that has expired is replaced by one of a new id, once in an
// attempt: an agent that calls a new session expired is an error and not a reason to go on.
//
// The silence that the agent is to bear is longer than the time in which we notice it ourselves.
kj::Promise<void> Connection::greet(EstablishedConnection& live, wire::Gate::Client gate,
                                    Renewal renewal) {
  auto request = gate.helloRequest();
  auto greeting = request.initGreeting();
  greeting.setProtocolMajor(wire::PROTOCOL_MAJOR);
  greeting.setProtocolMinor(wire::PROTOCOL_MINOR);
  greeting.setBuild(support::kVersion);
  greeting.setNodeName(description_.name);
  greeting.setSessionId(sessionId_.data());
  greeting.setAttach(begun_ ? wire::Attach::ATTACH_ONLY : wire::Attach::CREATE_OR_ATTACH);
  greeting.setLeaseNs(nanoseconds(options_.lease));
  greeting.setSilenceMaxNs(nanoseconds(std::max<std::chrono::nanoseconds>(
      options_.heartbeatEvery + options_.heartbeatMax + std::chrono::seconds(1),
      options_.heartbeatEvery * 3)));
  auto labels = greeting.initLabels(options_.labels.size());
  for (unsigned i = 0; i < labels.size(); ++i) {
    labels[i].setName(options_.labels[i].first);
    labels[i].setValue(options_.labels[i].second);
  }
  int64_t sent = OurClock::now().boottimeNs;
  return request.send().then(
      [this, &live, sent, gate,
       renewal](capnp::Response<wire::Gate::HelloResults>&& response) mutable -> kj::Promise<void> {
        if (response.hasError()) {
          bool isExpired = response.getError().getKind() == wire::Error::Kind::EXPIRED;
          if (!isExpired || renewal == Renewal::kDone) {
            return support::toException(support::readError(response.getError()));
          }
          // The agent may have begun the session without our learning of it. accept() finds out
          // why it is gone.
          begun_ = false;
          sessionId_ = loop_.randomId();
          return greet(live, kj::mv(gate), Renewal::kDone);
        }
        accept(live, response);
        noteClock(sent, response.getWelcome().getClock());
        return kj::READY_NOW;
      });
}

// Checks the welcome here too: an agent refuses a greeting that does not fit, a broken one may not.
void Connection::requireFitting(wire::Gate::HelloResults::Reader results) const {
  auto welcome = results.getWelcome();
  if (welcome.getProtocolMajor() != wire::PROTOCOL_MAJOR) {
    support::fail(wire::Error::Kind::REFUSED, "the agent speaks protocol ",
                  welcome.getProtocolMajor(), ".", welcome.getProtocolMinor(), ", this controller ",
                  wire::PROTOCOL_MAJOR, ".", wire::PROTOCOL_MINOR);
  }
  if (stringOf(welcome.getNodeName()) != description_.name) {
    support::fail(wire::Error::Kind::REFUSED, "this agent is node ",
                  inQuotes(stringOf(welcome.getNodeName())).c_str());
  }
  if (!results.hasSession()) {
    support::fail(wire::Error::Kind::REFUSED, "the agent's welcome has no session");
  }
}

// Takes the welcome over. A session that is new while there was one before means that the older one
// is lost. The reason follows from two ids: a new boot id tells of a reboot, a new keeper epoch of
// a restarted keeper, and neither of a session that ran out. Commands of the older generation end
// with that reason.
void Connection::accept(EstablishedConnection& live, wire::Gate::HelloResults::Reader results) {
  requireFitting(results);
  auto welcome = results.getWelcome();
  std::string bootId = stringOf(welcome.getBootId());
  std::string keeperEpoch = stringOf(welcome.getKeeperEpoch());
  if (generation_ == 0) earlier_ = readEarlier(description_.name, welcome);
  if (!begun_) {
    if (generation_ > 0) {
      auto reason = bootId != bootId_             ? muster::LostReason::kNodeRebooted
                    : keeperEpoch != keeperEpoch_ ? muster::LostReason::kKeeperRestarted
                                                  : muster::LostReason::kSessionExpired;
      ended_.emplace(generation_, muster::Outcome::lost(reason, ""));
    }
    ++generation_;
    sessionIds_.emplace(generation_, sessionId_);
    begun_ = true;
  }
  bootId_ = bootId;
  keeperEpoch_ = keeperEpoch;
  live.session = results.getSession();
  live.grants = Grants(welcome);
  live.generation = generation_;
  live.number = ++connections_;
  // The peer's number bounds memory here, so it is bounded itself.
  live.chunkBytesMax = static_cast<uint32_t>(std::min<uint64_t>(
      std::max<uint64_t>(welcome.getLimits().getChunkBytesMax(), 4096), 1 << 20));
  auto broken = kj::newPromiseAndFulfiller<void>();
  live.declareLost = kj::mv(broken.fulfiller);
  live.lost = broken.promise.exclusiveJoin(watch(live)).fork();
  std::lock_guard<std::mutex> lock(mutex_);
  // CLOCK_BOOTTIME begins anew with a boot, so that older samples compare with nothing.
  if (state_.bootId != bootId) clock_.reset();
  state_.agentVersion = stringOf(welcome.getBuild());
  state_.bootId = bootId;
}

// Rejects with the reason when the agent closes its end or leaves a heartbeat without an answer.
// The heartbeat finds the losses that no packet tells of, such as a node without power.
kj::Promise<void> Connection::watch(EstablishedConnection& live) {
  auto ended = live.connection->onDisconnect().then(
      []() -> kj::Promise<void> { return lossOf("the agent's end of the connection was closed"); });
  return ended.exclusiveJoin(heartbeat(live));
}

kj::Promise<void> Connection::heartbeat(EstablishedConnection& live) {
  return loop_.timer()
      .afterDelay(nanoseconds(options_.heartbeatEvery) * kj::NANOSECONDS)
      .then([this, &live]() {
        auto late = loop_.timer()
                        .afterDelay(nanoseconds(options_.heartbeatMax) * kj::NANOSECONDS)
                        .then([this]() -> kj::Promise<void> {
                          return lossOf(kj::str("heartbeat: no answer within ",
                                                durationText(options_.heartbeatMax).c_str()));
                        });
        return ping(live)
            .catch_([](kj::Exception&& exception) -> kj::Promise<void> {
              return lossOf(kj::str("heartbeat: ", textOf(exception)));
            })
            .exclusiveJoin(kj::mv(late));
      })
      .then([this, &live]() {
        noteHeard();
        return heartbeat(live);
      });
}

kj::String Connection::silenceText() const {
  auto heard = snapshot().lastHeard;
  if (!heard) return kj::str("the node was never heard of");
  auto silence = loop_.now() - *heard;
  return kj::str("the node was last heard of ", durationText(silence).c_str(), " ago");
}

void Connection::noteHeard() {
  std::lock_guard<std::mutex> lock(mutex_);
  state_.lastHeard = loop_.now();
}

kj::Promise<void> Connection::ping(EstablishedConnection& live) {
  int64_t sent = OurClock::now().boottimeNs;
  return live.session.pingRequest(capnp::MessageSize{4, 0})
      .send()
      .then([this, sent](auto&& response) { noteClock(sent, response.getClock()); });
}

void Connection::noteClock(int64_t sentBoottimeNs, wire::Clock::Reader clock) {
  std::lock_guard<std::mutex> lock(mutex_);
  clock_.add(
      {sentBoottimeNs, OurClock::now().boottimeNs, clock.getBoottimeNs(), clock.getRealtimeNs()});
}

kj::Promise<void> Connection::measureClock(unsigned count, SteadyTime until) {
  if (count == 0) return kj::READY_NOW;
  auto attempt = [this](EstablishedConnection& live) {
    return ping(live).then([]() { return true; });
  };
  return call<bool>(until, attempt).then([this, count, until](bool) {
    return measureClock(count - 1, until);
  });
}

void Connection::noteUp(kj::Own<EstablishedConnection> live) {
  noteHeard();
  live_ = kj::mv(live);
  failures_ = 0;
  refused_ = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (state_.kind == Kind::kReconnecting) ++state_.reconnects;
  }
  // The reason of the last loss stays, so that a caller who looks only now finds it.
  setState(Kind::kConnected, snapshot().lastError);
  wake(upWaiters_);
}

// Ends the connection `live`: rejects the calls over it, tears it down, and wakes those that wait
// for the loss. Several promises notice one loss; all but the first come too late, perhaps when the
// next connection is up, which must not suffer for it.
void Connection::noteLoss(EstablishedConnection& live, kj::StringPtr reason) {
  KJ_IF_MAYBE (current, live_) {
    if (current->get() != &live) return;
    support::log(support::Level::kDebug, "connection lost",
                 {{"node", description_.name}, {"reason", reason}});
    live.declareLost->reject(lossOf(reason));
    // The loop tears it down later, because one of its own promises may be the caller.
    loop_.spawn(kj::evalLater([gone = kj::mv(*current)]() mutable {
      gone->connection->shutdown();
      gone = nullptr;
    }));
    live_ = nullptr;
    scopes_.forgetConnection();
    setState(Kind::kReconnecting, stringOf(reason));
    wake(downWaiters_);
  }
}

// Tells a refusal, which callers learn at once, from a failure that the next attempt may not have.
// A refusal is tried again all the same, though rarely: see pause().
void Connection::noteFailure(const kj::Exception& exception) {
  ++failures_;
  ErrorKind kind = kindOf(exception);
  std::string reason = textOf(exception).cStr();
  // A server refuses our certificate only after the handshake, by breaking the first call. What
  // dialling or hello found out about a certificate is a failure and says so itself.
  bool identity = support::carriedFailure(exception) == nullptr &&
                  support::classify(exception) != support::Remedy::kRetry;
  if (identity) reason = "the agent refuses our certificate: " + reason;
  bool refusal = identity || kind == ErrorKind::kRefused || kind == ErrorKind::kDenied ||
                 kind == ErrorKind::kInvalid || kind == ErrorKind::kUnsupported ||
                 kind == ErrorKind::kNotFound;
  if (refusal) {
    refused_ = true;
    setState(Kind::kRefused, reason);
    wake(upWaiters_);
  } else {
    setState(generation_ > 0 ? Kind::kReconnecting : Kind::kConnecting, reason);
  }
}

// Waits before the next attempt: long after a refusal, briefly after a loss, and after failures a
// random time below a bound that doubles with each of them.
kj::Promise<void> Connection::pause() {
  int64_t ns = nanoseconds(options_.backoffMin);
  if (refused_) {
    ns = nanoseconds(kRefusedPause);
  } else if (failures_ > 0) {
    int64_t cap = nanoseconds(options_.backoffMin) << std::min(failures_, 16u);
    cap = std::min(cap, nanoseconds(options_.backoffMax));
    ns += static_cast<int64_t>(loop_.randomNumber() %
                               static_cast<uint64_t>(std::max<int64_t>(cap - ns, 1)));
  }
  return loop_.timer().afterDelay(ns * kj::NANOSECONDS);
}

muster::Outcome Connection::lostSince(uint64_t generation) const {
  auto found = ended_.find(generation);
  return found != ended_.end() ? found->second
                               : muster::Outcome::lost(muster::LostReason::kUnspecified, "");
}

std::vector<support::Id> Connection::sessionsSince(uint64_t generation) const {
  std::vector<support::Id> ids;
  for (auto each = sessionIds_.lower_bound(generation); each != sessionIds_.end(); ++each) {
    if (each->first != generation_) ids.push_back(each->second);
  }
  return ids;
}

kj::Promise<std::vector<Leftover>> Connection::endScope(ScopeHandle scope, SteadyTime until) {
  bool hasWork = scopes_.leave(*scope, generation_);
  if (!hasWork || live_ == nullptr) return std::vector<Leftover>();
  return call<std::vector<Leftover>>(
             until, [this](EstablishedConnection& live) { return scopes_.endNoted(live); })
      .catch_([this, scope](kj::Exception&& exception) -> std::vector<Leftover> {
        // The node undoes it when it comes back, or when the lease of the session ends.
        if (kindOf(exception) == ErrorKind::kUnreachable) return {};
        return {{description_.name, scope->name, textOf(exception).cStr()}};
      });
}

// Ends the session while the driver still reconnects, since a lost connection may come back for it,
// and only then the driver and the connection.
kj::Promise<std::vector<Leftover>> Connection::close(SteadyTime until) {
  return closeSession(until).then([this](std::vector<Leftover>&& leftovers) {
    closed_ = true;
    driver_ = nullptr;
    KJ_IF_MAYBE (live, live_) noteLoss(**live, "the connection was closed");
    setState(Kind::kClosed, "");
    wake(upWaiters_);
    return kj::mv(leftovers);
  });
}

// Asks the agent to end the session. There is nothing to ask without a session, and nobody to ask
// behind a refusal. Without a connection it waits only a moment, because the lease ends the session
// of a node that does not come back.
kj::Promise<std::vector<Leftover>> Connection::closeSession(SteadyTime until) {
  if (generation_ == 0 || refused_) return std::vector<Leftover>();
  if (live_ == nullptr) {
    until = std::min(until, loop_.now() + kCloseReconnectMax);
  }
  return call<std::vector<Leftover>>(
             until,
             [this](EstablishedConnection& live) {
               return live.session.closeRequest().send().then(
                   [this](auto&& response) { return readLeftovers(description_.name, response); });
             })
      .catch_([this](kj::Exception&& exception) -> std::vector<Leftover> {
        return {
            {description_.name, "the session, which its lease will end", textOf(exception).cStr()}};
      });
}

}  // namespace harness
