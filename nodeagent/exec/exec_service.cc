#include "nodeagent/exec/exec_service.h"

#include <sys/stat.h>

#include <kj/debug.h>

#include "nodeagent/exec/jobs_server.h"
#include "schema/support/base/crc32c.h"

namespace nodeagent {
namespace {

// Returns a name that differs from those of all other keepers that may share the cgroup mount, and
// stays equal over restarts of this one.
kj::String keeperName(const ServiceHost& host) {
  struct stat space {};
  stat("/proc/self/ns/mnt", &space);
  auto marks = kj::str(host.stateDirectory, ":", space.st_ino);
  kj::String name = kj::str(host.nodeName);
  for (char& c : name) {
    bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (!plain) c = '_';
  }
  return kj::str(name, "-", kj::hex(support::crc32c(marks.asBytes())));
}

exec::JobTable::Options jobOptions(ServiceHost& host, Worker& disk, const exec::JobLimits& limits) {
  exec::JobTable::Options jobs;
  jobs.limits = limits;
  jobs.spool = host.platform.openScratchDisk(kj::str(host.stateDirectory, "/spool"));
  jobs.sets = host.platform.makeProcessSets(keeperName(host));
  jobs.spawner = &host.platform.spawner();
  jobs.disk = &disk;
  jobs.commands = &host.commands;
  jobs.deaths = &host.deaths;
  return jobs;
}

kj::Maybe<kj::Own<exec::DetachedJobs>> openDetached(ServiceHost& host, Worker& disk) {
  if (host.program.size() == 0) return nullptr;
  exec::DetachedJobs::Options detached;
  detached.directory = kj::str(host.stateDirectory, "/detached");
  detached.program = kj::str(host.program);
  detached.bootId = kj::str(host.bootId);
  detached.group = keeperName(host);
  return kj::heap<exec::DetachedJobs>(host.port, host.timer, disk, kj::mv(detached));
}

}  // namespace

ExecService::ExecService(ServiceHost& host, const exec::JobLimits& limits)
    : audit_(host.audit),
      worker_(host.platform.makeWorker(Worker::kThreads)),
      disk_(host.platform.makeWorker(Worker::kThreads)),
      jobs_(host.port, host.timer, host.platform.clock(), *worker_,
            jobOptions(host, *disk_, limits)),
      detached_(openDetached(host, *disk_)),
      kept_(jobs_, detached_.map([](auto& jobs) -> exec::DetachedJobs& { return *jobs; })) {}

// A disk that hangs keeps its tasks, because dropping them would close files on it, which may wait.
bool ExecService::close(kj::Duration limit) {
  auto part = limit / 4;
  bool isClosed = jobs_.close(part);
  jobs_.deleteOutput();
  isClosed = disk_->awaitAll(part) && disk_->close(part) && isClosed;
  return worker_->close(part) && isClosed;
}

kj::Array<AgentService::Offer> ExecService::offers() {
  return kj::arr(offer<wire::Jobs>(
                     [this](Session& session) { return exec::makeJobs(kept_, session, audit_); }),
                 offer<wire::JobView>([this](Session&) { return exec::makeJobView(kept_); }));
}

void ExecService::count(AgentNumbers& numbers) {
  size_t running = jobs_.runningCount();
  KJ_IF_MAYBE (jobs, detached_) running += (*jobs)->count();
  numbers.jobsRunning += static_cast<uint32_t>(running);
}

void ExecService::writeLimits(wire::Limits::Builder limits) {
  limits.setJobsMax(static_cast<uint32_t>(jobs_.limits().runningInSessionMax));
}

kj::Own<AgentService> makeExec(ServiceHost& host) {
  return kj::heap<ExecService>(host);
}

}  // namespace nodeagent
