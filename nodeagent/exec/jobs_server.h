// Serves the methods of schema/job.capnp: it checks, records and answers requests. It does not
// carry them out (kept_jobs.h and kept_job.h do).
#pragma once

#include "nodeagent/exec/kept_jobs.h"
#include "nodeagent/session/audit_log.h"
#include "nodeagent/session/session.h"
#include "schema/job.capnp.h"

namespace nodeagent::exec {

// Serves the jobs of one session; may be made again for each connection. `jobs` and `audit` outlive
// it. It holds a reference to the session.
wire::Jobs::Client makeJobs(KeptJobs& jobs, Session& session, AuditLog& audit);

// Serves both Jobs and JobView in one capability, for a process that keeps a single job.
capnp::Capability::Client makeJobsAndView(KeptJobs& jobs, Session& session, AuditLog& audit);

// Serves the jobs of every session. `jobs` outlives it.
wire::JobView::Client makeJobView(KeptJobs& jobs);

}  // namespace nodeagent::exec
