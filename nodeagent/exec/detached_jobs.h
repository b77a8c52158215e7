// Knows the detached jobs of the node, also those that earlier keepers left. It does not know jobs
// that the keeper itself keeps (job_table.h), nor pass calls on (detached_job.h).
#pragma once

#include <map>

#include "nodeagent/exec/detached_job.h"

namespace nodeagent::exec {

class DetachedJobs final : private kj::TaskSet::ErrorHandler {
 public:
  struct Options {
    // The parent of the jobs' directories (DetachedFiles). It is made when a job needs it.
    kj::String directory;
    // The program of the shims, which is this one.
    kj::String program;
    // Records of another boot are removed.
    kj::String bootId;
    // Distinguishes the processes of these jobs from those of other keepers.
    kj::String group;
    // Counts ended jobs too, because each has a process of its own until it is acknowledged.
    size_t jobsMax = 64;
    // How long a call waits for the disk.
    kj::Duration diskPatience = 10 * kj::SECONDS;
  };

  // Finds the jobs that earlier keepers left, and waits for the disk meanwhile, since nobody is
  // served before that. From then on `disk` does what needs the disk. All three outlive it.
  DetachedJobs(kj::UnixEventPort& port, kj::Timer& timer, Worker& disk, Options options);
  ~DetachedJobs() noexcept(false);
  KJ_DISALLOW_COPY(DetachedJobs);

  kj::Maybe<DetachedJob&> find(const support::Id& session, uint64_t number);

  // Fails with kind overloaded if the node keeps its limit of jobs already. It first acknowledges
  // jobs that have ended and whose session is over, if there are any.
  void requireCapacity();

  // Writes the record of a job and then begins it. The caller has checked the specification and
  // that the number is free, and has called requireCapacity(). The job is known at once. If its
  // record cannot be written within
  // `diskPatience`, its calls fail with kind system and it is forgotten.
  DetachedJob& start(Session& session, uint64_t number, wire::JobSpec::Reader spec);

  // Gives a job of one of the sessions `from` to `session`, as Jobs.adopt says. Resolves when the
  // record says it. Fails with kind system if that takes more than `diskPatience`; it may be
  // done later then, and a repeated call finds out.
  kj::Promise<void> adopt(Session& session, capnp::List<capnp::Data>::Reader from, uint64_t number);

  // Returns all jobs in the reverse order of their starts.
  kj::Vector<DetachedJob*> newestFirst();

  size_t count() const { return jobs_.size(); }

 private:
  struct Key {
    support::Id session;
    uint64_t number = 0;
    auto operator<=>(const Key&) const = default;
  };

  void load();
  DetachedJob& add(DetachedFiles files, kj::Own<capnp::MessageReader> message,
                   kj::Promise<void> recorded);
  kj::Promise<void> writeRecord(const DetachedFiles& files, kj::ArrayPtr<const capnp::word> record);
  kj::Exception slow(kj::StringPtr attempt) const;
  kj::Promise<void> withinPatience(kj::Promise<void> change);
  kj::Promise<void> adoptOneOf(kj::Own<Session> session, kj::Array<support::Id> from,
                               uint64_t number);
  kj::Promise<void> give(kj::Own<DetachedJob> job, kj::Own<Session> session);
  void forget(DetachedJob& job);
  void taskFailed(kj::Exception&& exception) override;

  Options options_;
  DetachedContext context_;
  std::map<Key, kj::Own<DetachedJob>> jobs_;
  kj::TaskSet tasks_;
};

}  // namespace nodeagent::exec
