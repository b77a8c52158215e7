// A detached job as its keeper sees it: the shim that keeps it (nodeagent/shim/shim.h), the
// connection to it, and what can be said when the shim is gone. Jobs of sessions are job.h.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/debug.h>
#include <kj/refcount.h>
#include <kj/timer.h>

#include "nodeagent/exec/detached_files.h"
#include "nodeagent/os/worker.h"
#include "nodeagent/session/session.h"
#include "schema/job.capnp.h"
#include "schema/support/base/id.h"
#include "schema/support/base/sha256.h"
#include "schema/support/rpc/rpc_connection.h"

namespace nodeagent {

// What all detached jobs of a keeper share. Everything outlives them.
struct DetachedContext {
  kj::UnixEventPort& port;
  kj::Timer& timer;
  Worker& worker;
  kj::StringPtr program;  // Of the shim: this one.
};

// As wire::Follow.
struct DetachedFollow {
  uint64_t outputFrom = 0;
  uint64_t errorsFrom = 0;
  uint32_t bytesMax = 0;
  int64_t waitNs = 0;
  wire::Follow::Until until = wire::Follow::Until::CHANGE;
  bool releaseTo = false;
};

// The session of each job in its shim: whose it is changes, and is the keepers' business.
inline support::Id shimSessionId() {
  return support::Id();
}

class DetachedJob final : public kj::Refcounted {
 public:
  // `message` holds a DetachedRecord. begin() starts the shim or finds it.
  DetachedJob(const DetachedContext& context, DetachedFiles files,
              kj::Own<capnp::MessageReader> message);
  ~DetachedJob() noexcept(false);

  // `over` is called once, when the job is forgotten: it was acknowledged, and its shim has ended.
  // It may not destroy the job at once.
  void begin(kj::Function<void()> over);

  uint64_t number() { return record().getNumber(); }
  support::Id sessionId() { return support::Id::from(record().getSessionId()); }
  kj::StringPtr identity() { return record().getIdentity(); }
  wire::DetachedRecord::Reader record();
  const support::Digest& hash() const { return hash_; }
  bool isOver() const { return isOver_; }

  // The session that it belongs to, as long as this keeper knows it.
  kj::Maybe<kj::Own<Session>> session;

  // From now on it is of that session, also for later keepers.
  void giveTo(const support::Id& sessionId);

  // As of the last word of the shim.
  wire::JobStatus::Reader status();

  // Asks the shim for the above and the next; one that does not answer within a second leaves them
  // as they were.
  kj::Promise<void> look();

  bool isAlive() const { return isAlive_; }
  uint32_t processCount() const { return processCount_; }
  bool isAcknowledged() const { return isAcknowledged_; }

  // Each passes one call on to the shim as soon as that can be reached; `params` are copied at
  // once. Of a shim that was killed: the progress says lost, and nothing else has an effect. The
  // answer holds a JobProgress.
  kj::Promise<kj::Own<capnp::MallocMessageBuilder>> follow(DetachedFollow wish);
  kj::Promise<uint64_t> writeInput(wire::Chunk::Reader chunk, bool end);
  kj::Promise<void> signal(int number, wire::Jobs::Target target);
  kj::Promise<void> cancel(int64_t graceNs);

  // Likewise, also if it was acknowledged and left processes running.
  kj::Promise<void> cancelLeft(int64_t graceNs);
  kj::Promise<void> resize(uint16_t columns, uint16_t rows);

  // If it has ended: its output is deleted, and the shim may go. Done once the shim has it: what is
  // only remembered here would be lost with this keeper.
  kj::Promise<void> acknowledge();

 private:
  kj::Promise<void> bringUp();
  kj::Promise<void> spawn();
  kj::Promise<void> connected(kj::Own<kj::AsyncIoStream> stream);
  kj::Promise<void> watch();
  kj::Promise<void> shimEnded();
  kj::Promise<void> killLeftovers();
  kj::Promise<void> reap(kj::AutoCloseFd pidfd);
  kj::Maybe<kj::AutoCloseFd> tryConnect();
  kj::Promise<bool> reached();
  template <typename T, typename Attempt, typename Over>
  kj::Promise<T> pass(Attempt attempt, Over over);
  void keepStatus(wire::JobStatus::Reader status);
  void connectionOver();
  void conclude();
  void forget();
  void readSummary(wire::JobView::ListResults::Reader answer);
  wire::Jobs::Client client() { return KJ_ASSERT_NONNULL(rpc_)->bootstrap().castAs<wire::Jobs>(); }

  DetachedContext context_;
  DetachedFiles files_;
  kj::Own<capnp::MessageReader> message_;
  support::Digest hash_{};
  kj::Function<void()> over_ = []() {};
  unsigned spawns_ = 0;
  kj::Duration pause_;
  bool isOver_ = false;  // The shim has ended; status() is the last word.
  bool isAcknowledged_ = false;
  bool isAlive_ = true;
  uint32_t processCount_ = 0;
  kj::Own<capnp::MallocMessageBuilder> status_;
  kj::Maybe<kj::Own<support::RpcConnection>> rpc_;
  kj::Vector<kj::Own<kj::PromiseFulfiller<void>>> waiters_;  // For the shim, or for its end.
  kj::Promise<void> closing_ = nullptr;
  kj::Promise<void> driver_ = nullptr;  // Last, with the next.
  kj::Promise<void> reaper_ = nullptr;
};

}  // namespace nodeagent
