// The detached jobs of a keeper, with those that earlier keepers left. What is in a session's own
// table is job_table.h.
#pragma once

#include <map>

#include "nodeagent/exec/detached_job.h"

namespace nodeagent {

class DetachedJobs final : private kj::TaskSet::ErrorHandler {
 public:
  struct Options {
    kj::String directory;  // Of DetachedFiles; made when it is needed.
    kj::String program;    // Of the shims: this one.
    kj::String bootId;     // What was begun before another boot is removed.
    kj::String group;      // Tells their processes from those of other keepers.
    size_t jobsMax = 64;   // Each has a process of its own; those that ended count too.
  };

  // Finds what earlier keepers left. `port`, `timer` and `worker` outlive it.
  DetachedJobs(kj::UnixEventPort& port, kj::Timer& timer, Worker& worker, Options options);
  ~DetachedJobs() noexcept(false);
  KJ_DISALLOW_COPY(DetachedJobs);

  kj::Maybe<DetachedJob&> find(const support::Id& session, uint64_t number);

  // Fails with kind overloaded unless one more may be begun. Makes capacity of results that nobody
  // may ever ask for.
  void requireCapacity();

  // Begins the job, once: see DetachedFiles. The specification has been checked, the number is
  // free, and requireCapacity() was called. Fails with kind system.
  DetachedJob& start(Session& session, uint64_t number, wire::JobSpec::Reader spec);

  // See Jobs.adopt.
  void adopt(Session& session, capnp::List<capnp::Data>::Reader from, uint64_t number);

  // DetachedJob::look, of each.
  kj::Promise<void> lookAtAll();

  // All of them, by their starts.
  kj::Vector<DetachedJob*> newestFirst();

  size_t count() const { return jobs_.size(); }

 private:
  struct Key {
    support::Id session;
    uint64_t number = 0;
    auto operator<=>(const Key&) const = default;
  };

  void load();
  DetachedJob& add(DetachedFiles files, kj::Own<capnp::MessageReader> message);
  void forget(DetachedJob& job);
  void taskFailed(kj::Exception&& exception) override;

  Options options_;
  DetachedContext context_;
  std::map<Key, kj::Own<DetachedJob>> jobs_;
  kj::TaskSet tasks_;
};

}  // namespace nodeagent
