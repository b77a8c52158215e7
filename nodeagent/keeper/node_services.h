// All rooms of the keeper in one place: made together, in the order in which they depend on each
// other.
#pragma once

#include <string>

#include <kj/async-io.h>

#include "nodeagent/exec/detached_jobs.h"
#include "nodeagent/exec/job_table.h"
#include "nodeagent/file/file_service.h"
#include "nodeagent/keeper/gate.h"
#include "nodeagent/os/clock.h"
#include "nodeagent/os/worker.h"
#include "nodeagent/service/service_control.h"
#include "nodeagent/session/audit_log.h"

namespace nodeagent {

class NodeServices {
 public:
  struct Options {
    std::string nodeName;
    std::string stateDirectory;  // Exists.
    std::string auditLog;        // Empty: none is kept.
    std::string program;         // This one.
    std::string bootId;          // Of the node.
  };

  // `io` and `sessions` outlive it. Throws what a room throws that cannot begin.
  NodeServices(kj::AsyncIoContext& io, const SessionTable& sessions, const Options& options);

  // What gates give out. Refers to this object.
  Rooms rooms();

  // For the end of the process. False: a thread is stuck, and destroying this would wait for it.
  bool closeWorkers(kj::Duration limit) {
    return worker_.close(limit / 2) && fileWorker_.close(limit / 2);
  }

  uint32_t jobsMaxPerSession() const {
    return static_cast<uint32_t>(jobs_.limits().runningInSessionMax);
  }

 private:
  static constexpr size_t kFileThreads = 8;

  const SessionTable& sessions_;
  const int64_t startedRealtimeNs_ = systemClock().realtimeNs();
  kj::Own<AuditLog> audit_;
  Worker worker_;
  JobTable jobs_;
  DetachedJobs detached_;
  // Its own, because a file system that hangs (FUSE, NFS) keeps a thread for as long: jobs go on.
  Worker fileWorker_{kFileThreads};
  FilesRoom files_;
  ServicesRoom services_;
};

}  // namespace nodeagent
