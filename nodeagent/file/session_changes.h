// Makes changes that a session's end takes back. Each is noted in the session's undo list before it
// is made, and dropped from it if it fails.
#pragma once

#include <map>
#include <set>
#include <string>

#include <kj/async.h>
#include <kj/vector.h>

#include "nodeagent/file/restore.h"
#include "nodeagent/file/restore_journal.h"
#include "nodeagent/os/worker.h"
#include "nodeagent/session/session.h"

namespace nodeagent::file {

// Belongs to the loop's thread. It must live until the session has ended, or nothing is taken back.
class SessionChanges final : private kj::TaskSet::ErrorHandler {
 public:
  // `worker` outlives this.
  SessionChanges(kj::Own<Session> session, Worker& worker,
                 kj::Own<const file::RestoreJournal> journal);

  // Runs `prepare` and then `change`, both on a worker thread. `prepare` returns a
  // kj::Vector<file::Restore> in the order in which they are to be applied. `what` names the change
  // to people. The work goes on when the promise is dropped, because a change whose caller is gone
  // must still be noted; the session's end waits for it.
  template <typename Prepare, typename Change>
  auto run(kj::String what, Prepare prepare, Change change) -> kj::Promise<decltype(change())> {
    session_->requireOpen();
    return settle(
        worker_
            .run([prepare = kj::mv(prepare), name = journal_->newName(session_->id()),
                  journal = kj::atomicAddRef(*journal_)]() mutable {
              return keep(prepare(), kj::mv(name), *journal);
            })
            .then([this, what = kj::mv(what)](Prepared&& prepared) mutable {
              return note(kj::mv(what), kj::mv(prepared));
            })
            .then([this, change = kj::mv(change)](uint64_t id) mutable {
              return worker_.run(kj::mv(change)).catch_([this, id](kj::Exception&& exception) {
                return failed<decltype(change())>(id, kj::mv(exception));
              });
            }));
  }

  // Lets `promise` go on when the returned promise is dropped; the session's end waits for it.
  template <typename Result>
  kj::Promise<Result> settle(kj::Promise<Result> promise) {
    auto pair = kj::newPromiseAndFulfiller<Result>();
    auto fulfiller = kj::refcounted<Shared<Result>>(kj::mv(pair.fulfiller));
    tasks_.add(promise.then(
        [fulfiller = kj::addRef(*fulfiller)](Result&& result) mutable {
          fulfiller->own->fulfill(kj::mv(result));
        },
        [fulfiller = kj::addRef(*fulfiller)](kj::Exception&& exception) mutable {
          fulfiller->own->reject(kj::mv(exception));
        }));
    return kj::mv(pair.promise);
  }

  // Resolves once no promise that `settle` was given is running.
  kj::Promise<void> idle() { return tasks_.onEmpty(); }

  // These two tell and note that the session has changed the file at `path`. Its first state is in
  // the undo list then, so later changes of the session need no entry.
  bool knows(kj::StringPtr path) const { return known_.count(path.cStr()) > 0; }
  void know(kj::StringPtr path) { known_.insert(path.cStr()); }

 private:
  template <typename Result>
  struct Shared final : public kj::Refcounted {
    explicit Shared(kj::Own<kj::PromiseFulfiller<Result>> fulfiller) : own(kj::mv(fulfiller)) {}
    kj::Own<kj::PromiseFulfiller<Result>> own;
  };

  struct Prepared {
    kj::Vector<file::Restore> restores;
    // Its name in the journal.
    kj::String name;
  };

  struct Change {
    Prepared prepared;
    kj::Own<Session::Entry> entry;
  };

  // Writes the journal, or discards the restores if it cannot. Runs on a worker thread.
  static Prepared keep(kj::Vector<file::Restore> restores, kj::String name,
                       const file::RestoreJournal& journal);

  // Returns the change's number in the undo list; 0 if there was nothing to note.
  kj::Promise<uint64_t> note(kj::String what, Prepared prepared);
  kj::Promise<void> discard(Prepared prepared);
  kj::Promise<kj::Maybe<support::Failure>> undo(uint64_t id);

  template <typename Result>
  kj::Promise<Result> failed(uint64_t id, kj::Exception exception) {
    auto found = changes_.find(id);
    if (found == changes_.end()) return kj::mv(exception);
    auto prepared = kj::mv(found->second.prepared);
    changes_.erase(found);
    return discard(kj::mv(prepared))
        .then([exception = kj::mv(exception)]() mutable -> kj::Promise<Result> {
          return kj::mv(exception);
        });
  }

  void taskFailed(kj::Exception&& exception) override;

  kj::Own<Session> session_;
  Worker& worker_;
  kj::Own<const file::RestoreJournal> journal_;
  uint64_t nextId_ = 1;
  std::map<uint64_t, Change> changes_;
  std::set<std::string> known_;
  // Declared last, because its tasks use the rest.
  kj::TaskSet tasks_;
};

}  // namespace nodeagent::file
