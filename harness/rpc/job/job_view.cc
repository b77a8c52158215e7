// Lists the jobs of a node and ends them, across its sessions. Commands of our own session are
// started and followed by job_runner.cc.
#include "harness/rpc/job/job_view.h"

#include <algorithm>
#include <memory>
#include <set>

#include "harness/rpc/bytes.h"
#include "harness/rpc/job/job_runner.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

constexpr size_t kSessionShownDigits = 8;
constexpr auto kLookAgain = 20 * kj::MILLISECONDS;

// The last answer of an `endJobs` may take this part of the time that is allowed.
constexpr std::chrono::milliseconds kAnswerMargin{250};

support::Id idOf(const std::string& digits) {
  support::Id id;
  for (size_t i = 0; i < id.bytes.size() && 2 * i + 1 < digits.size(); ++i) {
    id.bytes[i] = static_cast<kj::byte>(std::stoul(digits.substr(2 * i, 2), nullptr, 16));
  }
  return id;
}

JobInfo readSummary(wire::JobView::Summary::Reader from, const std::string& node) {
  JobInfo info;
  info.node = node;
  info.name = {support::hex(from.getSessionId()), from.getNumber()};
  info.identity = stringOf(from.getIdentity());
  for (auto label : from.getLabels())
    info.labels[stringOf(label.getName())] = stringOf(label.getValue());
  for (auto item : from.getArgv()) {
    info.argv.push_back(stringOf(item));
  }
  auto status = from.getStatus();
  info.ended = status.getState() == wire::JobStatus::State::ENDED;
  if (info.ended) info.outcome = readOutcome(status.getOutcome());
  info.alive = from.getAlive() || !info.ended;
  info.acknowledged = from.getAcknowledged();
  info.pid = status.getPid();
  info.processes = from.getProcesses();
  info.elapsed = std::chrono::nanoseconds(status.getElapsedNs());
  info.startedRealtimeNs = status.getStartedRealtimeNs();
  return info;
}

// Filters here too, because an older agent does not know all that can be asked for.
bool fits(const JobInfo& info, const JobFilter& filter) {
  if (filter.wanted == JobsWanted::kAlive && !info.alive) return false;
  return filter.only.empty() ||
         std::find(filter.only.begin(), filter.only.end(), info.name) != filter.only.end();
}

// One `endJobs`, from look to look: lists what is alive, cancels each job once, and lists again.
//
// It looks until nothing is left because a job that is being ended may begin others, and because an
// answered cancel only says that the end has begun. Jobs that we may not end are remembered with
// the reason, and are not waited for.
class Ending {
 public:
  Ending(Connection& connection, JobFilter filter, std::chrono::nanoseconds grace, SteadyTime until)
      : connection_(connection), filter_(std::move(filter)), grace_(grace), until_(until) {
    filter_.wanted = JobsWanted::kAlive;
  }

  kj::Promise<JobsEnded> look() {
    return listJobs(connection_, filter_, until_).then([this](JobListing&& listing) {
      return judge(std::move(listing));
    });
  }

 private:
  kj::Promise<JobsEnded> judge(JobListing&& listing) {
    auto cancels = kj::heapArrayBuilder<kj::Promise<void>>(listing.jobs.size());
    bool waits = false;
    for (const JobInfo& job : listing.jobs) {
      uint32_t& processes = processes_[job.name];
      processes = std::max(processes, job.processes);
      if (denied_.count(job.name) > 0) continue;
      waits = true;
      if (cancelled_.insert(job.name).second) cancels.add(cancel(job.name));
    }
    bool late = connection_.loop().now() + kAnswerMargin >= until_;
    if (!waits || late) return summary(std::move(listing));
    return kj::joinPromises(cancels.finish())
        .then([this]() { return connection_.loop().timer().afterDelay(kLookAgain); })
        .then([this]() { return look(); });
  }

  kj::Promise<void> cancel(const JobName& name) {
    auto attempt = [this, name](EstablishedConnection& live) -> kj::Promise<bool> {
      auto request = live.get<wire::Jobs>().cancelOfRequest();
      request.setSessionId(idOf(name.session).data());
      request.setNumber(name.number);
      request.setGraceNs(grace_.count());
      return request.send().then([](auto&& response) {
        requireNoError(response);
        return true;
      });
    };
    return connection_.call<bool>(until_, attempt)
        .then([](bool) -> kj::Promise<void> { return kj::READY_NOW; },
              [this, name](kj::Exception&& exception) -> kj::Promise<void> {
                Kind kind = kindOf(exception);
                // A job that went between the look and the cancel needs none.
                if (kind == Kind::kNotFound) return kj::READY_NOW;
                if (kind != Kind::kDenied && kind != Kind::kUnsupported) return kj::mv(exception);
                denied_[name] = textOf(exception).cStr();
                return kj::READY_NOW;
              });
  }

  JobsEnded summary(JobListing&& listing) {
    JobsEnded ended;
    for (JobInfo& job : listing.jobs) {
      processes_.erase(job.name);
      auto reason = denied_.find(job.name);
      ended.reasons.push_back(
          reason != denied_.end() ? reason->second : "still runs at the end of the time allowed");
      ended.remaining.push_back(std::move(job));
    }
    ended.jobs = static_cast<uint32_t>(processes_.size());
    for (const auto& [name, count] : processes_) ended.processes += count;
    return ended;
  }

  Connection& connection_;
  JobFilter filter_;
  std::chrono::nanoseconds grace_;
  SteadyTime until_;

  // The most processes that each job had that was found.
  std::map<JobName, uint32_t> processes_;
  std::set<JobName> cancelled_;
  std::map<JobName, std::string> denied_;
};

}  // namespace

std::string toString(const JobName& name) {
  return name.session.substr(0, kSessionShownDigits) + "." + std::to_string(name.number);
}

std::string JobInfo::label(const std::string& key) const {
  auto found = labels.find(key);
  return found == labels.end() ? "" : found->second;
}

kj::Promise<JobListing> listJobs(Connection& connection, JobFilter filter, SteadyTime until) {
  auto attempt = [node = connection.description().name, filter](EstablishedConnection& live) {
    auto request = live.get<wire::JobView>().listRequest();
    auto labels = request.initLabels(static_cast<unsigned>(filter.labels.size()));
    unsigned at = 0;
    for (const auto& [name, value] : filter.labels) {
      labels[at].setName(name);
      labels[at++].setValue(value);
    }
    request.setWhich(filter.wanted == JobsWanted::kAlive ? wire::JobView::Which::ALIVE
                                                         : wire::JobView::Which::ALL);
    return request.send().then([node, filter](auto&& response) {
      requireNoError(response);
      JobListing listing;
      for (auto summary : response.getJobs()) {
        JobInfo info = readSummary(summary, node);
        if (fits(info, filter)) listing.jobs.push_back(std::move(info));
      }
      listing.truncated = response.getTruncated();
      return listing;
    });
  };
  return connection.call<JobListing>(until, attempt);
}

kj::Promise<JobsEnded> endJobs(Connection& connection, JobFilter filter,
                               std::chrono::nanoseconds grace, SteadyTime until) {
  auto ending = kj::heap<Ending>(connection, std::move(filter), grace, until);
  auto& begun = *ending;
  return begun.look().attach(kj::mv(ending));
}

}  // namespace harness
