// Performs actions whose effect a session's end takes back. What the service was is noted on disk
// and in the session's undo list before the first of them.
//
// The session's end gives up on what takes long, as on a service that takes a minute to stop. The
// service is owed all the same: it is tried again until it is as it was. Its record stays on disk
// until then, for the next keeper, and nobody else acts on the service.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include "nodeagent/os/worker.h"
#include "nodeagent/service/change_record.h"
#include "nodeagent/service/target.h"
#include "nodeagent/session/session.h"

namespace nodeagent::service {

// Says how often, and after which pauses, a service that did not come back in time is tried again.
struct RestoreLimits {
  BringBackLimits actions;
  // Each pause is twice as long as the one before.
  kj::Duration pauseMin = 1 * kj::SECONDS;
  kj::Duration pauseMax = 60 * kj::SECONDS;
  size_t triesMax = 20;
};

// Belongs to the loop's thread, and outlives the sessions.
class Restores final : private kj::TaskSet::ErrorHandler {
 public:
  using Task = kj::Function<ActResult()>;

  // Brings back on a thread of `worker` what a killed keeper has left noted below the state
  // directory. An empty directory means that nothing is kept. `worker` and `timer` outlive this.
  Restores(Worker& worker, kj::Timer& timer, const InitPaths& paths, kj::StringPtr stateDirectory,
           const RestoreLimits& limits = {});

  // Resolves once each of these has been tried once. It never rejects.
  kj::Promise<void> recovered() { return recovering_.addBranch(); }

  // Resolves once nothing is owed for the service. Fails with kind timeout, naming the last reason,
  // if that takes longer than `limit`.
  kj::Promise<void> settled(const Target& target, kj::Duration limit);

  // Runs `task` on a thread, when what `action` may change is noted. Such calls of one session for
  // one service go one after the other. They go on when the promise is dropped, and the session's
  // end waits for them. Fails with kind unsupported if nobody can tell what the
  // service is now, and with what Manager::status throws; the task has not run then.
  kj::Promise<ActResult> run(Session& session, kj::Own<const Target> target,
                             wire::ServiceAction action, Task task);

 private:
  // Session, user, and name.
  using Key = std::tuple<support::Id, std::string, std::string>;
  using Outcome = kj::Maybe<support::Failure>;

  struct Change {
    // Null for a change of a killed keeper, as is `target`.
    kj::Own<Session::Entry> entry;
    kj::Own<const Target> target;
    ChangeRecord record;
    // The name of the record on disk.
    kj::String file;
    // Resolves when the last call is done.
    kj::Promise<void> last = kj::READY_NOW;
    // Counts the calls that are not done.
    size_t calls = 0;
    // Resolves when the change is over. Null: its session has not ended.
    kj::Maybe<kj::ForkedPromise<void>> returning;
    // Why the last try did not bring it back.
    kj::String reason;
    // The session's end has given up on the first try.
    bool isLate = false;
    // It has been taken back or given up, or nothing was noted.
    bool over = false;
  };

  // A change of a killed keeper that is to be tried again.
  struct Left {
    ChangeRecord record;
    kj::String file;
    support::Failure reason;
  };

  kj::Promise<void> recover();
  void owe(Left left);
  Change& changeOf(Session& session, const Target& target, const Key& key);
  kj::Promise<void> note(const Key& key, wire::ServiceAction action);
  kj::Promise<Outcome> undo(const Key& key);
  kj::Promise<Outcome> tryOnce(const Key& key);
  kj::Promise<void> tryUntilOver(const Key& key, size_t tries, Outcome outcome);
  static void tellEnd(const Change& change, size_t tries);
  // Null: there is none, or it is over.
  Change* find(const Key& key);
  void taskFailed(kj::Exception&& exception) override;

  Worker& worker_;
  kj::Timer& timer_;
  const InitPaths paths_;
  const RestoreLimits limits_;
  kj::Own<const ChangeJournal> journal_;
  std::map<Key, Change> changes_;
  kj::ForkedPromise<void> recovering_;
  // Declared last, because its tasks use the rest.
  kj::TaskSet tasks_;
};

}  // namespace nodeagent::service
