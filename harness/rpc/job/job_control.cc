// Steers commands that were sent: their signals, terminal and release. Sending and following them
// is in job_runner.cc, their input in job_input.cc.
#include <algorithm>

#include "harness/rpc/job/job_runner.h"

namespace harness {
namespace {

using std::chrono::nanoseconds;

// A release is given up after this time; the node then forgets the command by itself, later.
constexpr std::chrono::minutes kReleaseMax{5};

}  // namespace

// Makes the request that `send` sends over `live`, once the command is there. Does nothing for a
// command that is lost, or that was not sent yet.
template <typename Send>
kj::Promise<void> JobRunner::tell(JobHandle job, SteadyTime until, Send send) {
  auto attempt = [this, job, send](EstablishedConnection& live) -> kj::Promise<bool> {
    if (job->generation == 0) return true;
    return ready(live, job).then([&live, send](bool isThere) -> kj::Promise<bool> {
      if (!isThere) return true;
      return send(live).then([](auto&& response) {
        requireNoError(response);
        return true;
      });
    });
  };
  return connection_.call<bool>(until, attempt, job->scope).ignoreResult();
}

kj::Promise<void> JobRunner::signal(JobHandle job, int number, muster::SignalTarget target,
                                    SteadyTime until) {
  return tell(job, until, [job, number, target](EstablishedConnection& live) {
    auto request = live.get<wire::Jobs>().signalRequest();
    request.setNumber(job->number);
    request.setSignal(number);
    request.setTarget(target == muster::SignalTarget::kAll ? wire::Jobs::Target::ALL
                                                           : wire::Jobs::Target::PROCESS);
    return request.send();
  });
}

kj::Promise<void> JobRunner::cancel(JobHandle job, nanoseconds grace, SteadyTime until) {
  return tell(job, until, [job, grace](EstablishedConnection& live) {
    auto request = live.get<wire::Jobs>().cancelRequest();
    request.setNumber(job->number);
    request.setGraceNs(grace.count());
    return request.send();
  });
}

kj::Promise<void> JobRunner::resize(JobHandle job, uint16_t columns, uint16_t rows,
                                    SteadyTime until) {
  return tell(job, until, [job, columns, rows](EstablishedConnection& live) {
    auto request = live.get<wire::Jobs>().resizeRequest();
    request.setNumber(job->number);
    request.setColumns(columns);
    request.setRows(rows);
    return request.send();
  });
}

kj::Promise<void> JobRunner::released(SteadyTime until) {
  if (releases_->isEmpty()) return kj::READY_NOW;
  return releases_->onEmpty().exclusiveJoin(
      connection_.loop().timer().afterDelay(left(until).count() * kj::NANOSECONDS));
}

// A command of a session or scope is acknowledged by the next `run` there, which costs no request
// of its own. Without a next one the end of the session or scope forgets it.
void JobRunner::release(JobHandle handle) {
  const JobState& job = *handle;
  if (!job.ended || job.generation == 0) return;
  if (job.request->options.lifetime == muster::CommandLifetime::kDetached) {
    releases_->add(tell(handle, now() + kReleaseMax, [handle](EstablishedConnection& live) {
      auto request = live.get<wire::Jobs>().acknowledgeRequest();
      request.initNumbers(1).set(0, handle->number);
      return request.send();
    }));
    return;
  }
  if (job.scope && job.scope->ended) return;
  Spent& spent = spentOf(job);
  if (spent.generation != job.generation) {
    if (spent.generation > job.generation) return;
    spent.numbers.clear();
    spent.generation = job.generation;
  }
  spent.numbers.push_back(job.number);
  std::sort(spent.numbers.begin(), spent.numbers.end());
}

}  // namespace harness
