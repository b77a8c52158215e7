// The connection to one agent: makes it, watches it, makes it again, and lets calls wait for it.
//
// It owns the session: one id that is attached to again after a loss. Where the agent no longer
// knows the session, a new one begins with the next generation number, and what belonged to older
// ones is lost, for the reason found. It knows nothing of jobs and files. All members but
// snapshot() belong to the io thread.
#pragma once

#include <stdint.h>

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <kj/async.h>
#include <kj/function.h>

#include <muster/node_state.h>
#include <muster/outcome.h>

#include "harness/cluster/description.h"
#include "harness/rpc/clock_filter.h"
#include "harness/rpc/controller_options.h"
#include "harness/rpc/failure.h"
#include "harness/rpc/grants.h"
#include "harness/rpc/loop.h"
#include "harness/rpc/node_scopes.h"
#include "harness/rpc/scope.h"
#include "schema/agent.capnp.h"
#include "schema/support/base/id.h"
#include "schema/support/rpc/rpc_connection.h"

namespace harness {

// An established connection, with the capabilities that it offers to the session or to one scope of
// it. Calls over it fail with DISCONNECTED when it is gone.
struct EstablishedConnection final : public kj::Refcounted {
  explicit EstablishedConnection(kj::Own<support::RpcConnection> rpc) : connection(kj::mv(rpc)) {}

  // Returns the same connection for a scope, from the answer that opened it.
  kj::Own<EstablishedConnection> inScope(wire::Grants::Reader scopeGrants);

  // Returns the agent's capability of an interface, such as get<wire::Files>().
  template <typename Interface>
  typename Interface::Client get() {
    return grants.get<Interface>();
  }

  // Fails with kind unsupported if the agent is older than the minor version of the protocol that
  // brought `feature`: it would pass over the fields that it does not know.
  void requireMinor(uint16_t minor, kj::StringPtr feature) const;

  // Null for a scope.
  kj::Own<support::RpcConnection> connection;
  wire::Session::Client session = nullptr;
  Grants grants;

  // The generation of the session.
  uint64_t generation = 0;

  // The number of the connection, from 1.
  uint64_t number = 0;
  uint32_t chunkBytesMax = 0;

  // Rejects with DISCONNECTED and the reason when the connection is lost; never resolves. Set once,
  // before use, and not for a scope.
  kj::Own<kj::PromiseFulfiller<void>> declareLost;
  kj::Maybe<kj::ForkedPromise<void>> lost;
};

class Connection {
 public:
  // Borrows `loop` and copies the rest. begin() starts it.
  Connection(Loop& loop, const NodeDescription& description, const ControllerOptions& options);
  ~Connection();
  KJ_DISALLOW_COPY(Connection);

  // Connects and keeps connected until close().
  void begin();

  const NodeDescription& description() const { return description_; }
  Loop& loop() { return loop_; }

  // Returns the state of this moment. Any thread may call it.
  muster::NodeState snapshot() const;

  // Resolves with the established connection as soon as there is one. Failures are kUnreachable at
  // `until`, and kRefused at once.
  kj::Promise<kj::Own<EstablishedConnection>> live(SteadyTime until);

  // Resolves with true when the connection is not established, with false at `until`.
  kj::Promise<bool> down(SteadyTime until);

  // Runs `attempt` over an established connection, and again after each loss of it, until it gives
  // a value or throws anything else than a loss. At `until` it fails with kTimeout, or with
  // kUnreachable if there was no connection then. The call belongs to `scope`, or to the session.
  template <typename T>
  kj::Promise<T> call(SteadyTime until,
                      std::function<kj::Promise<T>(EstablishedConnection&)> attempt,
                      ScopeHandle scope = nullptr);

  // Returns "the node was last heard of 3.2 s ago", or that it never was.
  kj::String silenceText() const;

  // Asks for the node's clock `count` times, for an estimate that is better than the heartbeat's.
  kj::Promise<void> measureClock(unsigned count, SteadyTime until);

  // Returns the reason why the session of a generation ended, which must be older than that of the
  // newest EstablishedConnection.
  muster::Outcome lostSince(uint64_t generation) const;

  // Returns the ids of the sessions from `generation` on, but for the newest.
  std::vector<support::Id> sessionsSince(uint64_t generation) const;

  // Returns the earlier sessions that the first welcome has told of. nullopt: the agent is too old.
  std::optional<std::vector<EarlierSession>> earlier() const { return earlier_; }

  // Ends a scope, which undoes what was done in it. Never rejects: the answer names the changes
  // that stay, also those of scopes that ended late. If the node is not there, the scope ends
  // before the next one begins, or with the session.
  kj::Promise<std::vector<Leftover>> endScope(ScopeHandle scope, SteadyTime until);

  // Ends the session, which undoes its changes on the node, and the connection. Never rejects: the
  // answer names the changes that stay. Calls that wait are rejected.
  kj::Promise<std::vector<Leftover>> close(SteadyTime until);

 private:
  using Kind = muster::NodeState::Kind;

  kj::Promise<void> drive();
  kj::Promise<void> establish();
  kj::Promise<void> releaseSlotWhenSlow(kj::Own<ConnectSlots::Slot> turn, kj::TimePoint begin);
  kj::Promise<void> establishNow();
  enum class Renewal { kAllowed, kDone };
  kj::Promise<void> greet(EstablishedConnection& live, wire::Gate::Client gate, Renewal renewal);
  void requireFitting(wire::Gate::HelloResults::Reader results) const;
  void accept(EstablishedConnection& live, wire::Gate::HelloResults::Reader results);
  kj::Promise<void> watch(EstablishedConnection& live);
  kj::Promise<void> heartbeat(EstablishedConnection& live);
  kj::Promise<void> ping(EstablishedConnection& live);
  void noteClock(int64_t sentBoottimeNs, wire::Clock::Reader clock);
  kj::Promise<void> pause();
  kj::Promise<std::vector<Leftover>> closeSession(SteadyTime until);

  void noteUp(kj::Own<EstablishedConnection> live);
  void noteLoss(EstablishedConnection& live, kj::StringPtr reason);
  void noteFailure(const kj::Exception& exception);
  void setState(Kind kind, std::string error);
  void noteHeard();
  void wake(std::deque<kj::Own<kj::PromiseFulfiller<void>>>& waiters);
  kj::Exception unreachable() const;

  // Returns a promise that rejects with `exception` at `until`.
  template <typename T>
  kj::Promise<T> expire(SteadyTime until, kj::Function<kj::Exception()> exception);

  Loop& loop_;
  NodeDescription description_;
  ControllerOptions options_;

  mutable std::mutex mutex_;

  // These two are guarded by mutex_.
  muster::NodeState state_;
  ClockFilter clock_;

  // The session.
  support::Id sessionId_;

  // The agent has accepted sessionId_ once.
  bool begun_ = false;
  uint64_t generation_ = 0;
  uint64_t connections_ = 0;

  // The outcome of lost commands, by the generation of the session that has ended.
  std::map<uint64_t, muster::Outcome> ended_;

  // The ids of all sessions, by generation.
  std::map<uint64_t, support::Id> sessionIds_;
  std::string bootId_;
  std::string keeperEpoch_;

  std::optional<std::vector<EarlierSession>> earlier_;

  NodeScopes scopes_;

  bool refused_ = false;
  bool closed_ = false;

  // The number of failed attempts since the last success.
  unsigned failures_ = 0;
  std::deque<kj::Own<kj::PromiseFulfiller<void>>> upWaiters_;
  std::deque<kj::Own<kj::PromiseFulfiller<void>>> downWaiters_;
  kj::Maybe<kj::Own<EstablishedConnection>> live_;

  // It comes last because it uses all members above.
  kj::Maybe<kj::Promise<void>> driver_;
};

template <typename T>
kj::Promise<T> Connection::expire(SteadyTime until, kj::Function<kj::Exception()> exception) {
  return loop_.timer()
      .afterDelay(loop_.durationUntil(until))
      .then([exception = kj::mv(exception)]() mutable -> kj::Promise<T> { return exception(); });
}

// Joins the answer with the loss of the connection and with the deadline. A loss is noticed by the
// answer itself or by the watch, whichever is first; either way the next attempt waits for the next
// connection, and so the attempt must be one that may be sent twice.
template <typename T>
kj::Promise<T> Connection::call(SteadyTime until,
                                std::function<kj::Promise<T>(EstablishedConnection&)> attempt,
                                ScopeHandle scope) {
  return live(until).then([this, until, attempt = std::move(attempt),
                           scope](kj::Own<EstablishedConnection>&& used) mutable -> kj::Promise<T> {
    EstablishedConnection& live = *used;
    auto lost = KJ_ASSERT_NONNULL(live.lost).addBranch().then(
        []() -> kj::Promise<T> { return kj::NEVER_DONE; });
    auto late = expire<T>(until, [this]() {
      return support::failure(wire::Error::Kind::TIMEOUT,
                              "no answer in the time that was allowed; ", silenceText());
    });
    auto asked =
        scope == nullptr
            ? kj::evalNow([&]() { return attempt(live); })
            : scopes_.enter(live, scope).then([attempt](kj::Own<EstablishedConnection>&& entered) {
                auto& inScope = *entered;
                return attempt(inScope).attach(kj::mv(entered));
              });
    auto answer = asked.then([this](T&& value) -> T {
      noteHeard();
      return kj::mv(value);
    });
    return answer.exclusiveJoin(kj::mv(lost))
        .exclusiveJoin(kj::mv(late))
        .catch_([this, until, attempt = std::move(attempt), scope,
                 used = kj::mv(used)](kj::Exception&& exception) mutable -> kj::Promise<T> {
          if (exception.getType() != kj::Exception::Type::DISCONNECTED) return kj::mv(exception);
          noteLoss(*used, textOf(exception));
          return call<T>(until, std::move(attempt), scope);
        });
  });
}

}  // namespace harness
