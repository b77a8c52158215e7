#include "nodeagent/exec/detached_jobs.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include <capnp/serialize.h>
#include <kj/debug.h>

#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::exec {

using Kind = wire::Error::Kind;

DetachedJobs::DetachedJobs(kj::UnixEventPort& port, kj::Timer& timer, Worker& disk, Options options)
    : options_(kj::mv(options)), context_{port, timer, disk, options_.program}, tasks_(*this) {
  load();
}

DetachedJobs::~DetachedJobs() noexcept(false) = default;

void DetachedJobs::load() {
  for (auto& files : DetachedFiles::all(options_.directory)) {
    auto message = files.read("record");
    bool isOurs = false;
    KJ_IF_MAYBE (stored, message) {
      auto record = (*stored)->getRoot<wire::DetachedRecord>();
      isOurs = record.getBootId() == options_.bootId && support::Id::fits(record.getSessionId());
    }
    if (!isOurs) {
      // The record is of another boot, or its keeper was killed before the shim could be started.
      files.remove();
      continue;
    }
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                   add(kj::mv(files), kj::mv(KJ_ASSERT_NONNULL(message)), kj::READY_NOW);
                 })) {
      support::log(support::Level::kError, "a detached job cannot be found again",
                   {{"reason", support::reasonOf(*exception)}});
    }
  }
}

DetachedJob& DetachedJobs::add(DetachedFiles files, kj::Own<capnp::MessageReader> message,
                               kj::Promise<void> recorded) {
  auto job = kj::refcounted<DetachedJob>(context_, kj::mv(files), kj::mv(message));
  auto& reference = *job;
  jobs_[Key{reference.sessionId(), reference.number()}] = kj::mv(job);
  reference.begin(kj::mv(recorded), [this, &reference]() { forget(reference); });
  return reference;
}

// The caller is one of the job's own tasks, which must return before the job is destroyed.
void DetachedJobs::forget(DetachedJob& job) {
  tasks_.add(kj::evalLater([this, &job]() {
    for (auto each = jobs_.begin(); each != jobs_.end(); ++each) {
      if (each->second.get() != &job) continue;
      jobs_.erase(each);
      return;
    }
  }));
}

kj::Maybe<DetachedJob&> DetachedJobs::find(const support::Id& session, uint64_t number) {
  auto found = jobs_.find(Key{session, number});
  if (found == jobs_.end()) return nullptr;
  return *found->second;
}

// Gives up results that perhaps nobody will ask for, which are those of ended jobs whose session is
// over or unknown. Such a job counts until its shim has ended, so the node may keep more jobs than
// the limit for a while. That excess is bounded to half of the limit.
void DetachedJobs::requireCapacity() {
  if (jobs_.size() < options_.jobsMax) return;
  // Counts jobs whose shims end as soon as none of their processes is left.
  size_t leaving = 0;
  for (auto each = jobs_.begin(); each != jobs_.end(); ++each) {
    bool isOpen = false;
    KJ_IF_MAYBE (owner, each->second->session) isOpen = !(*owner)->ending();
    auto& job = *each->second;
    if (isOpen || job.status().getState() != wire::JobStatus::State::ENDED) continue;
    if (!job.isAcknowledged()) tasks_.add(job.acknowledge());
    if (++leaving > options_.jobsMax / 2) break;
    if (jobs_.size() < options_.jobsMax + leaving) return;
  }
  support::fail(Kind::OVERLOADED, "the node keeps ", jobs_.size(), " detached jobs, its limit is ",
                options_.jobsMax, "; acknowledge those that have ended");
}

// The record also has the labels and variables of the session, which may be over when somebody
// lists the job, and when its shim starts it.
DetachedJob& DetachedJobs::start(Session& session, uint64_t number, wire::JobSpec::Reader spec) {
  auto files = DetachedFiles::choose(options_.directory);
  capnp::MallocMessageBuilder message;
  auto record = message.initRoot<wire::DetachedRecord>();
  record.setSessionId(session.id().data());
  record.setNumber(number);
  record.setIdentity(session.identity());
  auto own = spec.getLabels();
  auto ofSession = static_cast<unsigned>(session.labels().size());
  auto labels = record.initLabels(ofSession + own.size());
  for (unsigned i = 0; i < ofSession; ++i) {
    labels[i].setName(session.labels()[i].name);
    labels[i].setValue(session.labels()[i].value);
  }
  for (unsigned i = 0; i < own.size(); ++i) labels.setWithCaveats(ofSession + i, own[i]);
  record.setSpec(spec);
  auto ofCommands = session.variables().all();
  auto variables = record.initVariables(static_cast<unsigned>(ofCommands.size()));
  for (unsigned i = 0; i < variables.size(); ++i) {
    variables[i].setName(ofCommands[i].name.asBytes());
    variables[i].setValue(ofCommands[i].value.asBytes());
  }
  record.setBootId(options_.bootId);
  auto name = files.path().slice(KJ_ASSERT_NONNULL(files.path().findLast('/')) + 1);
  record.setGroup(kj::str(options_.group, "-", name));
  auto words = capnp::messageToFlatArray(message);
  auto recorded = writeRecord(files, words);
  auto& job = add(kj::mv(files), DetachedFiles::readerOf(kj::mv(words)), kj::mv(recorded));
  job.session = session.addRef();
  return job;
}

// Writes the whole record before the shim is started, so that a later keeper knows every job that
// may have been begun. A record that cannot be written and read leaves no directory behind. Nor
// does one that is written after nobody waits for it any more, because a later keeper would begin a
// job whose start has failed.
kj::Promise<void> DetachedJobs::writeRecord(const DetachedFiles& files,
                                            kj::ArrayPtr<const capnp::word> record) {
  enum class Fate { kOpen, kWritten, kGivenUp };
  // Decides once which of the two comes first. It belongs to the task and to the promise, whichever
  // ends last.
  auto fate = std::make_shared<std::atomic<Fate>>(Fate::kOpen);
  auto decide = [](std::atomic<Fate>& decision, Fate wanted) {
    Fate open = Fate::kOpen;
    return decision.compare_exchange_strong(open, wanted);
  };
  auto write = [files = DetachedFiles(files.path()), words = kj::heapArray(record), fate,
                decide]() {
    auto failure = kj::runCatchingExceptions([&]() {
      files.make();
      if (*fate == Fate::kOpen) files.write("record", words);
      if (files.read("record") == nullptr)
        support::fail(Kind::SYSTEM, "read what was just written");
    });
    if (failure != nullptr || !decide(*fate, Fate::kWritten)) files.remove();
    KJ_IF_MAYBE (exception, failure) kj::throwFatalException(kj::mv(*exception));
  };
  auto late = context_.timer.afterDelay(options_.diskPatience)
                  .then([this, fate = std::move(fate), decide]() -> kj::Promise<void> {
                    // The task has just written it, and its answer is on the way.
                    if (!decide(*fate, Fate::kGivenUp)) return kj::NEVER_DONE;
                    return slow("write the record of a detached job");
                  });
  return context_.disk.run(kj::mv(write)).exclusiveJoin(kj::mv(late));
}

kj::Exception DetachedJobs::slow(kj::StringPtr attempt) const {
  return support::failure(Kind::SYSTEM, attempt, " below ", options_.directory,
                          ": the disk has not answered within ",
                          options_.diskPatience / kj::MILLISECONDS, " ms");
}

kj::Promise<void> DetachedJobs::adopt(Session& session, capnp::List<capnp::Data>::Reader from,
                                      uint64_t number) {
  session.requireOpen();
  if (find(session.id(), number) != nullptr) return kj::READY_NOW;
  auto ids = kj::heapArrayBuilder<support::Id>(from.size());
  for (auto id : from) {
    if (!support::Id::fits(id)) {
      support::fail(Kind::INVALID, "sessionIds: one of ", id.size(), " bytes, must be 16");
    }
    ids.add(support::Id::from(id));
  }
  return adoptOneOf(session.addRef(), ids.finish(), number);
}

// A call that is sent twice finds the job in the session already and is done, or waits for the
// first. Otherwise the job must belong to one of the named sessions, to the same identity, and to
// no session that is open.
kj::Promise<void> DetachedJobs::adoptOneOf(kj::Own<Session> session, kj::Array<support::Id> from,
                                           uint64_t number) {
  session->requireOpen();
  if (find(session->id(), number) != nullptr) return kj::READY_NOW;
  for (auto& id : from) {
    auto found = jobs_.find(Key{id, number});
    if (found == jobs_.end()) continue;
    DetachedJob& job = *found->second;
    KJ_IF_MAYBE (settled, job.recordSettled()) {
      return withinPatience(kj::mv(*settled))
          .then([this, session = kj::mv(session), from = kj::mv(from), number]() mutable {
            return adoptOneOf(kj::mv(session), kj::mv(from), number);
          });
    }
    if (job.identity() != session->identity()) {
      support::fail(Kind::DENIED, "job ", number, ": was started by another identity");
    }
    KJ_IF_MAYBE (owner, job.session) {
      if (!(*owner)->ending()) {
        support::fail(Kind::CONFLICT, "job ", number, ": its session is still open");
      }
    }
    return withinPatience(give(kj::addRef(job), kj::mv(session)));
  }
  support::fail(Kind::NOT_FOUND, "job ", number, ": none of the ", from.size(),
                " sessions has such a detached job");
}

kj::Promise<void> DetachedJobs::withinPatience(kj::Promise<void> change) {
  return change.exclusiveJoin(
      context_.timer.afterDelay(options_.diskPatience).then([this]() -> kj::Promise<void> {
        return slow("change the record of a detached job");
      }));
}

// The record is changed first, then the job's place in the map. That goes on when the caller has
// left, because the task cannot be stopped, and what is on the disk must be known here.
kj::Promise<void> DetachedJobs::give(kj::Own<DetachedJob> job, kj::Own<Session> session) {
  auto recorded = job->recordFor(session->id());
  auto taken = [this, &job = *job,
                session = kj::mv(session)](kj::Own<capnp::MessageReader>&& record) mutable {
    auto before = jobs_.find(Key{job.sessionId(), job.number()});
    if (before == jobs_.end() || before->second.get() != &job) return;
    Key key{session->id(), job.number()};
    job.takeOver(kj::mv(record), kj::mv(session));
    auto entry = jobs_.extract(before);
    entry.key() = key;
    jobs_.insert(kj::mv(entry));
  };
  auto given = recorded.then(kj::mv(taken)).attach(kj::mv(job)).fork();
  tasks_.add(given.addBranch().catch_([](kj::Exception&&) {}));
  return given.addBranch();
}

kj::Vector<DetachedJob*> DetachedJobs::newestFirst() {
  kj::Vector<DetachedJob*> jobs;
  for (auto& [key, job] : jobs_) jobs.add(job.get());
  std::sort(jobs.begin(), jobs.end(), [](DetachedJob* left, DetachedJob* right) {
    return left->status().getStartedRealtimeNs() > right->status().getStartedRealtimeNs();
  });
  return jobs;
}

void DetachedJobs::taskFailed(kj::Exception&& exception) {
  support::log(support::Level::kError, "a task of the detached jobs failed",
               {{"exception", exception.getDescription()}});
}

}  // namespace nodeagent::exec
