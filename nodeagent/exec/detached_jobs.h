// The detached jobs of a keeper, with those that earlier keepers left. What is in a session's own
// table is job_table.h.
#pragma once

#include <map>

#include "nodeagent/exec/detached_job.h"
#include "nodeagent/session/audit_log.h"

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

  // Begins it, once: see DetachedFiles. The specification has been checked, and the number is free.
  // Failures: overloaded, system, and what the audit log throws, which comes first.
  DetachedJob& run(Session& session, AuditLog& audit, uint64_t number, wire::JobSpec::Reader spec);

  // See Jobs.adopt.
  void adopt(Session& session, capnp::List<capnp::Data>::Reader from, uint64_t number);

  // DetachedJob::look, of each.
  kj::Promise<void> lookAtAll();

  // Calls `visit` for each until it returns false.
  void visit(kj::FunctionParam<bool(DetachedJob& job)> visit);

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
  void requireCapacity();
  void taskFailed(kj::Exception&& exception) override;

  Options options_;
  DetachedContext context_;
  std::map<Key, kj::Own<DetachedJob>> jobs_;
  kj::TaskSet tasks_;
};

}  // namespace nodeagent
