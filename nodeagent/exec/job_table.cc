#include "nodeagent/exec/job_table.h"

#include <string>

#include <kj/debug.h>

#include "schema/support/base/log.h"
#include "schema/support/base/redact.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kSpentMax = 65536;  // Holes below are taken as spent beyond this.
constexpr uint64_t kNobody = 0;      // No session's end ends what is started for it.
constexpr size_t kCommandShownBytes = 32;
constexpr auto kLaunchLook = 20 * kj::MILLISECONDS;

// The last part of the program's path, for people.
kj::String commandOf(const JobSpec& spec) {
  kj::StringPtr program = spec.argv[0];
  KJ_IF_MAYBE (slash, program.findLast('/')) program = program.slice(*slash + 1);
  return kj::str(
      support::escaped({program.begin(), kj::min(program.size(), kCommandShownBytes)}).c_str());
}

std::string argvText(const JobSpec& spec) {
  std::vector<std::string> words;
  for (auto& item : spec.argv) words.emplace_back(item.cStr());
  std::string text;
  for (const std::string& word : support::redactedWords(words)) {
    if (text.size() > 2048) return text + " ...";
    if (!text.empty()) text += ' ';
    text += support::escaped(word);
  }
  return text;
}

kj::Array<Label> join(kj::ArrayPtr<const Label> session, kj::ArrayPtr<const Label> own) {
  kj::Vector<Label> labels;
  for (auto part : {session, own}) {
    for (auto& label : part) labels.add(Label{kj::str(label.name), kj::str(label.value)});
  }
  return labels.releaseAsArray();
}

}  // namespace

JobTable::JobTable(kj::UnixEventPort& port, kj::Timer& timer, const Clock& clock, Worker& worker,
                   Options options)
    : limits_(options.limits),
      sets_(kj::mv(options.sets)),
      spool_(kj::mv(options.spool), limits_),
      context_{port,   timer,  clock,  *sets_,  *options.spawner,
               spool_, worker, users_, limits_, nothing_},
      tasks_(*this) {
  spool_.onShortage([this]() { return removeOldestOfEndedSessions(); });
}

// Calls that still wait for a job may keep it, but it has nobody to report to any more.
JobTable::~JobTable() noexcept(false) {
  for (auto& [id, jobs] : sessions_) {
    for (auto& [number, entry] : jobs.entries) entry.job->abandon();
  }
  for (auto& [job, entry] : leftBehind_) entry.job->abandon();
}

Job& JobTable::run(Session& session, AuditLog& audit, uint64_t number,
                   wire::JobSpec::Reader reader) {
  session.requireOpen();
  if (number == 0) support::fail(Kind::INVALID, "number: 0, must be from 1");
  auto spec = readJobSpec(reader);
  auto& jobs = jobsOf(session);
  auto known = jobs.entries.find(number);
  if (known != jobs.entries.end()) {
    if (known->second.job->spec().hash != spec.hash) {
      support::fail(Kind::CONFLICT, "number: ", number, " was started with another specification");
    }
    return *known->second.job;
  }
  if (isSpent(jobs, number)) {
    support::fail(Kind::EXPIRED, "number: ", number, " was acknowledged or is no longer kept");
  }
  requireCapacity(jobs);
  bool isDetached = spec.lifetime == wire::JobSpec::JobLifetime::DETACHED;
  if (!isDetached) sweepAtEnd(jobs);
  audit.record(session, "jobs.run",
               {{"number", number},
                {"argv", argvText(spec)},
                {"user", spec.user},
                {"directory", spec.directory}});

  Entry entry;
  entry.session = session.id();
  entry.identity = kj::str(session.identity());
  entry.labels = join(session.labels(), spec.labels);
  entry.order = nextOrder_++;
  auto what = kj::str("job ", number, " (", commandOf(spec), ")");
  entry.job =
      kj::refcounted<Job>(context_, *this, isDetached ? kNobody : jobs.owner, number, kj::mv(spec));
  Job& job = *entry.job;
  if (!isDetached) {
    // The entry belongs to the job's own and goes with it, so that `job` is there when the end is
    // called.
    entry.end =
        session.addUndo(EndPhase::kStop, kj::mv(what), [&job]() { return job.endWithSession(); });
  }
  Key key{session.id(), number};
  keys_[&job] = key;
  order_[entry.order] = key;
  jobs.entries.emplace(number, kj::mv(entry));
  ++jobs.running;
  ++running_;
  job.start();
  return job;
}

void JobTable::requireFree(Session& session, uint64_t number) {
  session.requireOpen();
  if (number == 0) support::fail(Kind::INVALID, "number: 0, must be from 1");
  auto& jobs = jobsOf(session);
  if (jobs.entries.count(number) > 0)
    support::fail(Kind::CONFLICT, "number: ", number, " was started with another specification");
  if (isSpent(jobs, number))
    support::fail(Kind::EXPIRED, "number: ", number, " was acknowledged or is no longer kept");
}

JobTable::SessionJobs& JobTable::jobsOf(Session& session) {
  auto found = sessions_.find(session.id());
  if (found != sessions_.end()) return found->second;
  // A good moment to forget sessions that have ended and left nothing.
  for (auto each = sessions_.begin(); each != sessions_.end();) {
    auto& jobs = each->second;
    bool isOver = jobs.session->ending() && jobs.entries.empty() &&
                  (jobs.sweep == nullptr || KJ_ASSERT_NONNULL(jobs.sweep)->isOver);
    each = isOver ? sessions_.erase(each) : std::next(each);
  }
  auto& jobs = sessions_[session.id()];
  jobs.session = session.addRef();
  jobs.owner = nextOwner_++;
  return jobs;
}

void JobTable::sweepAtEnd(SessionJobs& jobs) {
  auto marker = sets_->markerOf(jobs.owner);
  if (jobs.sweep != nullptr || marker.size() == 0) return;
  auto sweep = kj::refcounted<Sweep>();
  // Among the last of the undo list: all jobs have been stopped by then.
  sweep->entry = jobs.session->addUndo(
      EndPhase::kUndo, kj::str("processes that left their jobs"),
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

Job& JobTable::get(const support::Id& session, uint64_t number) {
  auto jobs = sessions_.find(session);
  if (jobs == sessions_.end()) {
    support::fail(
        Kind::NOT_FOUND, "job ", number, " of session ", session.text().c_str(),
        ": not known to this keeper; of the jobs of an earlier one, only detached ones live");
  }
  auto entry = jobs->second.entries.find(number);
  if (entry != jobs->second.entries.end()) return *entry->second.job;
  if (isSpent(jobs->second, number)) {
    support::fail(Kind::NOT_FOUND, "job ", number, ": was acknowledged or is no longer kept");
  }
  support::fail(Kind::NOT_FOUND, "job ", number, ": was not started in this session");
}

JobTable::Entry& JobTable::entryOf(const support::Id& session, uint64_t number) {
  auto jobs = sessions_.find(session);
  if (jobs != sessions_.end()) {
    auto entry = jobs->second.entries.find(number);
    if (entry != jobs->second.entries.end()) return entry->second;
  }
  for (auto& [job, entry] : leftBehind_) {
    if (entry.session == session && job->number() == number) return entry;
  }
  support::fail(Kind::NOT_FOUND, "job ", number, " of session ", session.text().c_str(),
                ": not known here, or ended and acknowledged");
}

void JobTable::acknowledge(const support::Id& session, capnp::List<uint64_t>::Reader numbers) {
  auto jobs = sessions_.find(session);
  if (jobs == sessions_.end()) return;
  for (uint64_t number : numbers) {
    auto entry = jobs->second.entries.find(number);
    if (entry != jobs->second.entries.end() && entry->second.job->hasEnded())
      remove(Key{session, number});
  }
}

// The job's number is spent and its output deleted; processes that it left running stay with the
// session.
void JobTable::remove(const Key& key) {
  auto& jobs = sessions_.at(key.session);
  auto entry = jobs.entries.extract(key.number);
  spend(jobs, key.number);
  Job& job = *entry.mapped().job;
  keys_.erase(&job);
  order_.erase(entry.mapped().order);
  finished_.erase(entry.mapped().endedOrder);
  job.forget();
  if (!job.isGone()) leftBehind_.emplace(&job, kj::mv(entry.mapped()));
}

bool JobTable::removeOldestOfEndedSessions() {
  for (auto& [order, key] : finished_) {
    if (!sessions_.at(key.session).session->ending()) continue;
    remove(Key(key));
    return true;
  }
  return false;
}

void JobTable::spend(SessionJobs& jobs, uint64_t number) {
  jobs.spent.insert(number);
  while (!jobs.spent.empty() &&
         (*jobs.spent.begin() <= jobs.spentTo + 1 || jobs.spent.size() > kSpentMax)) {
    jobs.spentTo = kj::max(jobs.spentTo, *jobs.spent.begin());
    jobs.spent.erase(jobs.spent.begin());
  }
}

bool JobTable::isSpent(const SessionJobs& jobs, uint64_t number) {
  return number <= jobs.spentTo || jobs.spent.count(number) > 0;
}

// That a program runs is nothing to wake up for: most end before the first look.
void JobTable::launching(Job& job) {
  launching_.insert(&job);
  if (isLooking_) return;
  isLooking_ = true;
  looking_ = lookAtLaunches().eagerlyEvaluate(
      [this](kj::Exception&& exception) { taskFailed(kj::mv(exception)); });
}

kj::Promise<void> JobTable::lookAtLaunches() {
  return context_.timer.afterDelay(kLaunchLook).then([this]() -> kj::Promise<void> {
    std::erase_if(launching_, [](Job* job) { return job->lookAtLaunch(); });
    isLooking_ = !launching_.empty();
    if (isLooking_) return lookAtLaunches();
    return kj::READY_NOW;
  });
}

void JobTable::ended(Job& job) {
  launching_.erase(&job);
  auto key = keys_.at(&job);
  auto& jobs = sessions_.at(key.session);
  auto& entry = jobs.entries.at(key.number);
  --jobs.running;
  --running_;
  ++lingering_;
  entry.endedOrder = nextOrder_++;
  finished_.emplace(entry.endedOrder, key);
  if (finished_.size() > limits_.finishedMax) remove(Key(finished_.begin()->second));
}

void JobTable::gone(Job& job) {
  --lingering_;
  auto left = leftBehind_.extract(&job);
  if (!left.empty()) {
    // Called from one of the job's own tasks, which must return first.
    tasks_.add(kj::evalLater([entry = kj::mv(left.mapped())]() {}));
    return;
  }
  auto key = keys_.at(&job);
  sessions_.at(key.session).entries.at(key.number).end = nullptr;
}

void JobTable::visit(kj::FunctionParam<bool(Entry& entry, Known known)> visit) {
  for (auto each = order_.rbegin(); each != order_.rend(); ++each) {
    auto& key = each->second;
    if (!visit(sessions_.at(key.session).entries.at(key.number), Known::kKept)) return;
  }
  for (auto& [job, entry] : leftBehind_) {
    if (!visit(entry, Known::kAcknowledged)) return;
  }
}

void JobTable::taskFailed(kj::Exception&& exception) {
  support::log(support::Level::kError, "a task of the job table failed",
               {{"exception", exception.getDescription()}});
}

}  // namespace nodeagent
