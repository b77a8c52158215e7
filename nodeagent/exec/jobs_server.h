// The calls of schema/job.capnp.
#pragma once

#include "nodeagent/audit_log.h"
#include "nodeagent/exec/job_table.h"
#include "nodeagent/session.h"
#include "schema/job.capnp.h"

namespace nodeagent {

// For the jobs of one session; may be made again for each connection. Table and audit log outlive
// it; the session is kept by reference.
wire::Jobs::Client makeJobs(JobTable& table, Session& session, AuditLog& audit);

// For the jobs of every session. The table outlives it.
wire::JobView::Client makeJobView(JobTable& table);

}  // namespace nodeagent
