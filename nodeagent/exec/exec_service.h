// Offers the service that runs commands, both those of sessions and those that outlive them. It
// only puts the parts together: job.h runs one command, job_table.h and detached_jobs.h know them.
#pragma once

#include "nodeagent/exec/kept_jobs.h"
#include "nodeagent/session/agent_service.h"

namespace nodeagent {

class ExecService final : public AgentService {
 public:
  // Kills the processes that an earlier keeper of this node left running, except those of detached
  // jobs, which it finds again. Without a program in `host` there are no detached jobs.
  explicit ExecService(ServiceHost& host, const exec::JobLimits& limits = {});

  kj::Array<Offer> offers() override;
  void count(AgentNumbers& numbers) override;
  void writeLimits(wire::Limits::Builder limits) override;
  // Files of the jobs are removed first.
  bool close(kj::Duration limit) override;

  const exec::JobTable& jobs() const { return jobs_; }

 private:
  AuditLog& audit_;
  kj::Own<Worker> worker_;
  // Is apart from the other, because a disk that hangs must keep nobody from looking at processes.
  kj::Own<Worker> disk_;
  exec::JobTable jobs_;
  kj::Maybe<kj::Own<exec::DetachedJobs>> detached_;
  exec::KeptJobs kept_;
};

kj::Own<AgentService> makeExec(ServiceHost& host);

}  // namespace nodeagent
