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
#include "schema/agent.capnp.h"
#include "schema/support/base/id.h"
#include "schema/support/rpc/rpc_connection.h"

namespace harness {

// What an established connection offers. Calls over it fail with DISCONNECTED when it is gone.
struct EstablishedConnection final : public kj::Refcounted {
  explicit EstablishedConnection(kj::Own<support::RpcConnection> rpc) : connection(kj::mv(rpc)) {}

  // The agent's capability of that interface, such as get<wire::Files>().
  template <typename Interface>
  typename Interface::Client get() {
    return grants.get<Interface>();
  }

  kj::Own<support::RpcConnection> connection;
  wire::Session::Client session = nullptr;
  Grants grants;

  // The generation of the session.
  uint64_t generation = 0;

  // The number of the connection, from 1.
  uint64_t number = 0;
  uint32_t chunkBytesMax = 0;

  // Rejects with DISCONNECTED and the reason when the connection is lost; never resolves. Set once,
  // before use.
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

  // From any thread.
  muster::NodeState snapshot() const;

  // The established connection, as soon as there is one. Failures: kUnreachable at `until`,
  // kRefused at once.
  kj::Promise<kj::Own<EstablishedConnection>> live(SteadyTime until);

  // Resolves with true when the connection is not established, with false at `until`.
  kj::Promise<bool> down(SteadyTime until);

  // Runs `attempt` over an established connection, and again after each loss of it, until it gives
  // a value or throws anything else than a loss, or `until` comes: kTimeout, or kUnreachable if
  // there was no connection then.
  template <typename T>
  kj::Promise<T> call(SteadyTime until,
                      std::function<kj::Promise<T>(EstablishedConnection&)> attempt);

  // "the node was last heard of 3.2 s ago", or that it never was.
  kj::String silenceText() const;

  // Asks for the node's clock `count` times, for an estimate that is better than the heartbeat's.
  kj::Promise<void> measureClock(unsigned count, SteadyTime until);

  // Why sessions of that generation ended; only for one below that of the newest
  // EstablishedConnection.
  muster::Outcome lostSince(uint64_t generation) const;

  // Ids of the sessions from that generation on, but for the newest.
  std::vector<support::Id> sessionsSince(uint64_t generation) const;

  // Ends the session, which undoes what it did, and the connection. Never rejects: what could not
  // be done is in the answer. Calls that wait are rejected.
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

  // A promise that rejects with `exception` at `until`.
  template <typename T>
  kj::Promise<T> expire(SteadyTime until, kj::Function<kj::Exception()> exception);

  Loop& loop_;
  NodeDescription description_;
  ControllerOptions options_;

  mutable std::mutex mutex_;
  muster::NodeState state_;  // Guarded by mutex_, as is the next one.
  ClockFilter clock_;

  // The session.
  support::Id sessionId_;
  bool begun_ = false;  // The agent has accepted sessionId_ once.
  uint64_t generation_ = 0;
  uint64_t connections_ = 0;
  std::map<uint64_t, muster::Outcome> ended_;   // By generation.
  std::map<uint64_t, support::Id> sessionIds_;  // Likewise, of all.
  std::string bootId_;
  std::string keeperEpoch_;

  bool refused_ = false;
  bool closed_ = false;
  unsigned failures_ = 0;  // Attempts since the last success.
  std::deque<kj::Own<kj::PromiseFulfiller<void>>> upWaiters_;
  std::deque<kj::Own<kj::PromiseFulfiller<void>>> downWaiters_;
  kj::Maybe<kj::Own<EstablishedConnection>> live_;
  kj::Maybe<kj::Promise<void>> driver_;  // Last: it uses all of the above.
};

template <typename T>
kj::Promise<T> Connection::expire(SteadyTime until, kj::Function<kj::Exception()> exception) {
  return loop_.timer()
      .afterDelay(loop_.durationUntil(until))
      .then([exception = kj::mv(exception)]() mutable -> kj::Promise<T> { return exception(); });
}

template <typename T>
kj::Promise<T> Connection::call(SteadyTime until,
                                std::function<kj::Promise<T>(EstablishedConnection&)> attempt) {
  return live(until).then([this, until, attempt = std::move(attempt)](
                              kj::Own<EstablishedConnection>&& used) mutable -> kj::Promise<T> {
    EstablishedConnection& live = *used;
    auto lost = KJ_ASSERT_NONNULL(live.lost).addBranch().then(
        []() -> kj::Promise<T> { return kj::NEVER_DONE; });
    auto late = expire<T>(until, [this]() {
      return support::failure(wire::Error::Kind::TIMEOUT,
                              "no answer in the time that was allowed; ", silenceText());
    });
    auto answer = kj::evalNow([&]() { return attempt(live); }).then([this](T&& value) -> T {
      noteHeard();
      return kj::mv(value);
    });
    return answer.exclusiveJoin(kj::mv(lost))
        .exclusiveJoin(kj::mv(late))
        .catch_([this, until, attempt = std::move(attempt),
                 used = kj::mv(used)](kj::Exception&& exception) mutable -> kj::Promise<T> {
          if (exception.getType() != kj::Exception::Type::DISCONNECTED) return kj::mv(exception);
          noteLoss(*used, exception.getDescription());
          return call<T>(until, std::move(attempt));
        });
  });
}

}  // namespace harness
