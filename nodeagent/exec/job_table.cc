#include "nodeagent/exec/job_table.h"

#include <unistd.h>

#include <kj/debug.h>

#include "schema/support/base/log.h"
#include "schema/support/base/redact.h"
#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::exec {
namespace {

using Kind = wire::Error::Kind;

// Beyond this number of spent numbers, the gaps below the lowest ones count as spent too.
constexpr size_t kSpentMax = 65536;
// Owns the processes that no session's end kills.
constexpr uint64_t kNobody = 0;
constexpr size_t kCommandShownBytes = 32;
// Most programs have begun by the first look.
constexpr auto kLaunchLookFirst = 1 * kj::MILLISECONDS;
constexpr auto kLaunchLookLast = 20 * kj::MILLISECONDS;

// Returns the last part of the program's path, for texts that people read.
kj::String commandOf(const JobSpec& spec) {
  kj::StringPtr program = spec.argv[0];
  KJ_IF_MAYBE (slash, program.findLast('/')) program = program.slice(*slash + 1);
  return kj::str(
      support::escaped({program.begin(), kj::min(program.size(), kCommandShownBytes)}).c_str());
}

}  // namespace

JobTable::JobTable(kj::UnixEventPort& port, kj::Timer& timer, const Clock& clock, Worker& worker,
                   Options options)
    : limits_(options.limits),
      sets_(kj::mv(options.sets)),
      spool_(kj::mv(options.spool), limits_, options.disk == nullptr ? worker : *options.disk),
      users_(options.userRoot),
      context_{port,   timer,  clock,   *sets_,           *options.spawner, spool_,
               worker, users_, limits_, options.commands, options.deaths,   nothing_},
      tasks_(*this) {
  // The start may wait for the file system. Jobs find the users in memory then.
  users_.find(kj::str(geteuid()));
  spool_.onShortage([this]() { return removeOldestOfEndedSessions(); });
}

// Calls that wait for a job may keep it alive, so it must not report to the table any more.
JobTable::~JobTable() noexcept(false) {
  for (auto& [id, jobs] : sessions_) {
    for (auto& [number, job] : jobs.jobs) job->job().abandon();
  }
  for (auto& [key, job] : leftBehind_) job->job().abandon();
}

void JobTable::deleteOutput() {
  for (auto& [id, jobs] : sessions_) {
    for (auto& [number, job] : jobs.jobs) job->job().forget();
  }
}

void JobTable::prepare(Session& session, const JobSpec& spec) {
  auto& jobs = jobsOf(session);
  requireCapacity(jobs);
  if (spec.lifetime != wire::JobSpec::JobLifetime::DETACHED) sweepAtEnd(jobs);
}

OwnJob& JobTable::start(Session& session, uint64_t number, JobSpec spec) {
  auto& jobs = jobsOf(session);
  bool isDetached = spec.lifetime == wire::JobSpec::JobLifetime::DETACHED;
  auto what = kj::str("job ", number, " (", commandOf(spec), ")");
  auto made = kj::heap<OwnJob>(context_, static_cast<OwnJob::Owner&>(*this), session,
                               isDetached ? kNobody : jobs.owner, number, kj::mv(spec));
  OwnJob& own = *made;
  own.order = nextOrder_++;
  if (!isDetached) {
    // The entry belongs to `own` and is removed with it, so the function never sees a destroyed
    // job.
    own.undo = session.addUndo(EndPhase::kStop, kj::mv(what), [&own]() {
      own.noteDirectory();
      return own.job().endWithSession();
    });
  }
  order_[own.order] = &own;
  jobs.jobs.emplace(number, kj::mv(made));
  ++jobs.running;
  ++running_;
  own.job().start();
  return own;
}

JobTable::SessionJobs& JobTable::jobsOf(Session& session) {
  auto found = sessions_.find(session.id());
  if (found != sessions_.end()) return found->second;
  // Sessions that have ended and left nothing are forgotten here. Only a new session makes the map
  // larger, so this is enough to bound it.
  for (auto each = sessions_.begin(); each != sessions_.end();) {
    auto& jobs = each->second;
    bool isOver = jobs.session->ending() && jobs.jobs.empty() &&
                  (jobs.sweep == nullptr || KJ_ASSERT_NONNULL(jobs.sweep)->isOver);
    each = isOver ? sessions_.erase(each) : std::next(each);
  }
  auto& jobs = sessions_[session.id()];
  jobs.session = session.addRef();
  jobs.owner = nextOwner_++;
  return jobs;
}

// As root a process can move out of its job's set, and once the job is gone nobody looks for it.
// The mark in its environment remains, by which the sweep finds it. One entry serves all jobs of
// the session, since their marks have a common prefix. The sweep runs in the last phase of the
// session's end, when all jobs have been stopped. It runs on a worker thread, because it reads the
// environment of every process of the node. jobsOf() keeps the session until the sweep is over,
// because the entry goes with the session's jobs.
void JobTable::sweepAtEnd(SessionJobs& jobs) {
  auto marker = sets_->markerOf(jobs.owner);
  if (jobs.sweep != nullptr || marker.size() == 0) return;
  auto sweep = kj::refcounted<Sweep>();
  sweep->entry = jobs.session->addUndo(
      EndPhase::kTidy, kj::str("processes that left their jobs"),
      [this, marker = kj::mv(marker), &sweep = *sweep]() mutable {
        return context_.worker
            .run([marker = kj::mv(marker)]() { return ProcessSets::killMarked(marker); })
            .then([](kj::Vector<pid_t>&& left) -> kj::Maybe<support::Failure> {
              if (left.empty()) return nullptr;
              return stillThere(left);
            })
            .attach(kj::defer([sweep = kj::addRef(sweep)]() mutable { sweep->isOver = true; }));
      });
  jobs.sweep = kj::mv(sweep);
}

void JobTable::requireCapacity(const SessionJobs& jobs) const {
  if (jobs.running >= limits_.runningInSessionMax) {
    support::fail(Kind::OVERLOADED, "the session runs ", jobs.running, " jobs, its limit is ",
                  limits_.runningInSessionMax);
  }
  if (running_ >= limits_.runningMax) {
    support::fail(Kind::OVERLOADED, "the node runs ", running_, " jobs, its limit is ",
                  limits_.runningMax);
  }
  if (lingering_ >= limits_.leftRunningMax) {
    support::fail(Kind::OVERLOADED, "processes that ", lingering_,
                  " ended jobs left still run, the limit is ", limits_.leftRunningMax,
                  "; cancel such jobs or close their sessions");
  }
}

kj::Maybe<OwnJob&> JobTable::find(const support::Id& session, uint64_t number) {
  auto jobs = sessions_.find(session);
  if (jobs == sessions_.end()) return nullptr;
  auto found = jobs->second.jobs.find(number);
  if (found == jobs->second.jobs.end()) return nullptr;
  return *found->second;
}

OwnJob& JobTable::get(const support::Id& session, uint64_t number) {
  KJ_IF_MAYBE (job, find(session, number)) return *job;
  if (sessions_.count(session) == 0) {
    support::fail(
        Kind::NOT_FOUND, "job ", number, " of session ", session.text().c_str(),
        ": not known to this keeper; of the jobs of an earlier one, only detached ones live");
  }
  if (isSpent(session, number)) {
    support::fail(Kind::NOT_FOUND, "job ", number, ": was acknowledged or is no longer kept");
  }
  support::fail(Kind::NOT_FOUND, "job ", number, ": was not started in this session");
}

OwnJob& JobTable::getLeft(const support::Id& session, uint64_t number) {
  KJ_IF_MAYBE (job, find(session, number)) return *job;
  for (auto& [key, job] : leftBehind_) {
    if (job->sessionId() == session && job->number() == number) return *job;
  }
  support::fail(Kind::NOT_FOUND, "job ", number, " of session ", session.text().c_str(),
                ": not known here, or ended and acknowledged");
}

void JobTable::acknowledge(const support::Id& session, uint64_t number) {
  KJ_IF_MAYBE (job, find(session, number)) {
    if (job->job().hasEnded()) remove(*job);
  }
}

// Ends the knowledge of a job that has ended. Its number is spent, so that a start which is sent
// again is refused and not repeated. The indexes that point to it are cleared before `entry`, its
// owner, goes. A job of which processes are left moves to `leftBehind_` with its undo entry, so
// that the session's end kills them; gone() destroys it. Any other job is destroyed on return.
void JobTable::remove(OwnJob& own) {
  auto& jobs = sessions_.at(own.sessionId());
  auto entry = jobs.jobs.extract(own.number());
  spend(jobs, own.number());
  order_.erase(own.order);
  finished_.erase(own.endedOrder);
  own.job().forget();
  own.acknowledged = true;
  if (own.isAlive()) leftBehind_.emplace(&own, kj::mv(entry.mapped()));
}

bool JobTable::removeOldestOfEndedSessions() {
  for (auto& [order, job] : finished_) {
    if (!sessions_.at(job->sessionId()).session->ending()) continue;
    remove(*job);
    return true;
  }
  return false;
}

// Adds a spent number and keeps the set small. Numbers that follow `spentTo` without a gap move it
// up. If the set is full nevertheless, the lowest number moves it up over a gap.
void JobTable::spend(SessionJobs& jobs, uint64_t number) {
  jobs.spent.insert(number);
  while (!jobs.spent.empty() &&
         (*jobs.spent.begin() <= jobs.spentTo + 1 || jobs.spent.size() > kSpentMax)) {
    jobs.spentTo = kj::max(jobs.spentTo, *jobs.spent.begin());
    jobs.spent.erase(jobs.spent.begin());
  }
}

bool JobTable::isSpent(const support::Id& session, uint64_t number) const {
  auto jobs = sessions_.find(session);
  return jobs != sessions_.end() && isSpent(jobs->second, number);
}

bool JobTable::isSpent(const SessionJobs& jobs, uint64_t number) {
  return number <= jobs.spentTo || jobs.spent.count(number) > 0;
}

// One timer looks at all launches.
void JobTable::launching(OwnJob& job) {
  launching_.insert(&job);
  auto wanted = context_.timer.now() + kLaunchLookFirst;
  if (isLooking_ && nextLook_ <= wanted) return;
  looking_ = lookAtLaunches(kLaunchLookFirst).eagerlyEvaluate([this](kj::Exception&& exception) {
    taskFailed(kj::mv(exception));
  });
}

kj::Promise<void> JobTable::lookAtLaunches(kj::Duration delay) {
  isLooking_ = true;
  nextLook_ = context_.timer.now() + delay;
  return context_.timer.atTime(nextLook_).then([this, delay]() -> kj::Promise<void> {
    std::erase_if(launching_, [](OwnJob* own) { return own->job().lookAtLaunch(); });
    isLooking_ = !launching_.empty();
    if (isLooking_) return lookAtLaunches(kj::min(delay * 2, kLaunchLookLast));
    return kj::READY_NOW;
  });
}

// Counts the job among those with processes left until gone() is called, which follows at once if
// there are none. The oldest result is removed if there are too many now.
void JobTable::ended(OwnJob& own) {
  launching_.erase(&own);
  --sessions_.at(own.sessionId()).running;
  --running_;
  ++lingering_;
  own.endedOrder = nextOrder_++;
  finished_.emplace(own.endedOrder, &own);
  if (finished_.size() > limits_.finishedMax) remove(*finished_.begin()->second);
}

// Is the last call of a job, of which no process is left. A job that is still known keeps its
// result, and the session's end has nothing to do for it any more. A job that was removed before is
// destroyed with its undo entry.
void JobTable::gone(OwnJob& own) {
  --lingering_;
  auto left = leftBehind_.extract(&own);
  if (left.empty()) {
    own.undo = nullptr;
    return;
  }
  // The caller is one of the job's own tasks, which must return before the job is destroyed.
  tasks_.add(kj::evalLater([job = kj::mv(left.mapped())]() {}));
}

void JobTable::visit(kj::FunctionParam<bool(OwnJob& job)> visit) {
  for (auto each = order_.rbegin(); each != order_.rend(); ++each) {
    if (!visit(*each->second)) return;
  }
  for (auto& [key, job] : leftBehind_) {
    if (!visit(*job)) return;
  }
}

void JobTable::taskFailed(kj::Exception&& exception) {
  support::log(support::Level::kError, "a task of the job table failed",
               {{"exception", exception.getDescription()}});
}

}  // namespace nodeagent::exec
