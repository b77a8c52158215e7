// Performs actions whose effect a session's end takes back. What the service was is noted on disk
// and in the session's undo list before the first of them.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include <kj/async.h>
#include <kj/function.h>

#include "nodeagent/os/worker.h"
#include "nodeagent/service/change_record.h"
#include "nodeagent/service/target.h"
#include "nodeagent/session/session.h"

namespace nodeagent::service {

// Belongs to the loop's thread, and outlives the sessions.
class Restores final : private kj::TaskSet::ErrorHandler {
 public:
  using Task = kj::Function<ActResult()>;

  // Brings back on a thread of `worker`, which outlives this, what a killed keeper has left noted
  // below the state directory. An empty directory means that nothing is kept.
  Restores(Worker& worker, const InitPaths& paths, kj::StringPtr stateDirectory);

  // Resolves once that is done. It never rejects.
  kj::Promise<void> recovered() { return recovering_.addBranch(); }

  // Runs `task` on a thread, when what `action` may change is noted. Such calls of one session for
  // one service go one after the other. They go on when the promise is dropped, and the session's
  // end waits for them. Fails with kind unsupported if nobody can tell what the
  // service is now, and with what Manager::status throws; the task has not run then.
  kj::Promise<ActResult> run(Session& session, kj::Own<const Target> target,
                             wire::ServiceAction action, Task task);

 private:
  // Session, user, and name.
  using Key = std::tuple<support::Id, std::string, std::string>;

  struct Change {
    kj::Own<Session::Entry> entry;
    kj::Own<const Target> target;
    ChangeRecord record;
    // The name of the record on disk.
    kj::String file;
    // Resolves when the last call is done.
    kj::Promise<void> last = kj::READY_NOW;
    // Counts the calls that are not done.
    size_t calls = 0;
    // It has been taken back, or nothing was noted.
    bool over = false;
  };

  Change& changeOf(Session& session, const Target& target, const Key& key);
  kj::Promise<void> note(const Key& key, wire::ServiceAction action);
  kj::Promise<kj::Maybe<support::Failure>> undo(const Key& key);
  void taskFailed(kj::Exception&& exception) override;

  Worker& worker_;
  const InitPaths paths_;
  kj::Own<const ChangeJournal> journal_;
  std::map<Key, Change> changes_;
  kj::ForkedPromise<void> recovering_;
  // Declared last, because its tasks use the rest.
  kj::TaskSet tasks_;
};

}  // namespace nodeagent::service
