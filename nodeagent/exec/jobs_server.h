// The calls of schema/job.capnp.
#pragma once

#include "nodeagent/exec/detached_jobs.h"
#include "nodeagent/exec/job_table.h"
#include "nodeagent/session/audit_log.h"
#include "nodeagent/session/session.h"
#include "schema/job.capnp.h"

namespace nodeagent {

// For the jobs of one session; may be made again for each connection. Tables and audit log outlive
// it; the session is kept by reference. Without `detached`, all jobs are of the table.
wire::Jobs::Client makeJobs(JobTable& table, Session& session, AuditLog& audit,
                            kj::Maybe<DetachedJobs&> detached = nullptr);

// Both of them in one capability, as Jobs and as JobView: for a process that keeps a single job.
capnp::Capability::Client makeJobsAndView(JobTable& table, Session& session, AuditLog& audit);

// For the jobs of every session. The tables outlive it.
wire::JobView::Client makeJobView(JobTable& table, kj::Maybe<DetachedJobs&> detached = nullptr);

}  // namespace nodeagent
