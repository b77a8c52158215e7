// Connects to the shim of one detached job. It finds the shim or has it started, connects again
// after a loss, and tells its listener when the shim has ended for good. It does not make the calls
// (detached_job.h does), nor start the process (shim_starter.h).
#pragma once

#include <capnp/capability.h>
#include <kj/async.h>
#include <kj/memory.h>
#include <kj/vector.h>

#include "nodeagent/exec/detached_context.h"
#include "nodeagent/exec/detached_files.h"
#include "nodeagent/exec/shim_starter.h"
#include "schema/support/rpc/rpc_connection.h"

namespace nodeagent::exec {

class ShimLink final {
 public:
  // Is called from the link's own tasks, and may not destroy the link at once.
  class Listener {
   public:
    // A connection has been made. The promise is dropped when the connection ends, and its failure
    // is ignored.
    virtual kj::Promise<void> shimReached(capnp::Capability::Client shim) = 0;

    // The shim has ended, and no other will be started. Calls are held until the promise resolves.
    virtual kj::Promise<void> shimEnded() = 0;

    // The promise of shimEnded() has resolved, and the calls that were held can be answered.
    virtual void linkOver() = 0;

    // The job's record could not be written, so the job does not exist. The calls that were held
    // fail with the reason.
    virtual void notRecorded() = 0;

   protected:
    ~Listener() = default;
  };

  // `files` and `listener` outlive the link.
  ShimLink(const DetachedContext& context, const DetachedFiles& files, Listener& listener);
  ~ShimLink() noexcept(false);
  KJ_DISALLOW_COPY(ShimLink);

  // Finds the shim or starts it, once `recorded` says that the job's record is on the disk. Call it
  // once.
  void begin(kj::Promise<void> recorded);

  // Returns null if there is no connection at the moment.
  kj::Maybe<capnp::Capability::Client> shim();

  // Calls `attempt` with the shim as soon as it can be reached, and again after each loss of the
  // connection. Calls `over` instead if the shim has ended. Both return promises of T, and live as
  // long as the promise that this returns.
  template <typename T, typename Attempt, typename Over>
  kj::Promise<T> call(Attempt attempt, Over over) {
    struct Call {
      Attempt attempt;
      Over over;
    };
    auto made = kj::heap<Call>(Call{kj::mv(attempt), kj::mv(over)});
    auto& reference = *made;
    return repeat<T>(reference).attach(kj::mv(made));
  }

 private:
  template <typename T, typename Call>
  kj::Promise<T> repeat(Call& call) {
    return reached().then([this, &call](bool isUp) -> kj::Promise<T> {
      if (!isUp) return call.over();
      return call.attempt(KJ_ASSERT_NONNULL(shim()))
          .catch_([this, &call](kj::Exception&& exception) -> kj::Promise<T> {
            if (exception.getType() != kj::Exception::Type::DISCONNECTED) return kj::mv(exception);
            return pauseAfterLoss().then([this, &call]() { return repeat<T>(call); });
          });
    });
  }

  struct Look;

  kj::Promise<void> bringUp();
  kj::Promise<void> actOn(Look look);
  kj::Promise<void> connected(kj::Own<kj::AsyncIoStream> stream);
  kj::Promise<void> ended();
  kj::Promise<bool> reached();
  kj::Promise<void> pauseAfterLoss();
  void fail(kj::Exception reason);
  void connectionOver();
  void answerWaiters();

  DetachedContext context_;
  const DetachedFiles& files_;
  Listener& listener_;
  unsigned starts_ = 0;
  kj::Duration pause_;
  bool isOver_ = false;
  kj::Maybe<kj::Exception> failure_;
  kj::Maybe<kj::Own<support::RpcConnection>> rpc_;

  // Holds the fulfillers of calls that wait for the shim or for its end.
  kj::Vector<kj::Own<kj::PromiseFulfiller<void>>> waiters_;

  kj::Promise<void> closing_ = nullptr;
  ShimStarter starter_;

  // This is the last member because it uses the others.
  kj::Promise<void> driver_ = nullptr;
};

}  // namespace nodeagent::exec
