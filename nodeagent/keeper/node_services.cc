#include "nodeagent/keeper/node_services.h"

#include <sys/stat.h>

#include <kj/debug.h>

#include "nodeagent/exec/jobs_server.h"
#include "nodeagent/facts/facts.h"
#include "schema/support/base/crc32c.h"

namespace nodeagent {
namespace {

// Tells this keeper from all others that may share the cgroup mount, and stays the same over its
// restarts.
kj::String keeperName(const NodeServices::Options& options) {
  struct stat space {};
  stat("/proc/self/ns/mnt", &space);
  auto marks = kj::str(options.stateDirectory.c_str(), ":", space.st_ino);
  kj::String name = kj::str(options.nodeName.c_str());
  for (char& c : name) {
    bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (!plain) c = '_';
  }
  return kj::str(name, "-", kj::hex(support::crc32c(marks.asBytes())));
}

kj::Own<AuditLog> auditLogOf(const NodeServices::Options& options) {
  if (options.auditLog.empty()) return discardAuditLog();
  return openAuditLog(options.auditLog.c_str(), systemClock());
}

JobTable::Options jobOptions(kj::AsyncIoContext& io, const NodeServices::Options& options) {
  JobTable::Options jobs;
  jobs.spool = ScratchDisk::inDirectory(kj::str(options.stateDirectory.c_str(), "/spool"));
  ProcessSets::killMarked(ProcessSets::markerOf(keeperName(options)));  // Of a killed keeper.
  jobs.sets = ProcessSets::best(keeperName(options), io.unixEventPort, io.provider->getTimer());
  return jobs;
}

DetachedJobs::Options detachedOptions(const NodeServices::Options& options) {
  DetachedJobs::Options detached;
  detached.directory = kj::str(options.stateDirectory.c_str(), "/detached");
  detached.program = kj::str(options.program.c_str());
  detached.bootId = kj::str(options.bootId.c_str());
  detached.group = keeperName(options);
  return detached;
}

}  // namespace

NodeServices::NodeServices(kj::AsyncIoContext& io, const SessionTable& sessions,
                           const Options& options)
    : sessions_(sessions),
      audit_(auditLogOf(options)),
      jobs_(io.unixEventPort, io.provider->getTimer(), systemClock(), worker_,
            jobOptions(io, options)),
      detached_(io, worker_, detachedOptions(options)),
      files_(fileWorker_, options.stateDirectory.c_str(), *audit_),
      services_({}, *audit_) {}

Rooms NodeServices::rooms() {
  Rooms rooms;
  rooms.jobs = [this](Session& session) { return makeJobs(jobs_, session, *audit_, detached_); };
  rooms.jobView = [this](Session&) { return makeJobView(jobs_, detached_); };
  rooms.files = [this](Session& session) { return files_.filesOf(session); };
  rooms.fileView = [this](Session& session) {
    bool mayAct = session.role() != wire::Role::OBSERVER;
    return makeFileView(fileWorker_, mayAct ? ViewAs::kKeeper : ViewAs::kAnyUser);
  };
  rooms.services = [this](Session& session) { return services_.servicesOf(session); };
  rooms.serviceView = [this](Session&) { return services_.view(); };
  rooms.facts = [this](Session&) {
    return makeFacts(fileWorker_, [this]() {
      return AgentNumbers{startedRealtimeNs_,
                          static_cast<uint32_t>(jobs_.runningCount() + detached_.count()),
                          static_cast<uint32_t>(sessions_.count())};
    });
  };
  return rooms;
}

}  // namespace nodeagent
