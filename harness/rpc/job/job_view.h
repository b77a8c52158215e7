// Lists the jobs of every session of one node, and ends them until none is left. It runs on the io
// thread.
#pragma once

#include <kj/async.h>

#include "harness/rpc/connection.h"
#include "harness/rpc/job/job_listing.h"

namespace harness {

// Fails as Connection::call does. Borrows `connection`.
kj::Promise<JobListing> listJobs(Connection& connection, JobFilter filter, SteadyTime until);

// Cancels the jobs that `filter` finds alive, and looks again, until it finds only jobs that we may
// not end, or none, or `until` comes close. Zero grace kills at once. Jobs that have ended already
// are left alone.
kj::Promise<JobsEnded> endJobs(Connection& connection, JobFilter filter,
                               std::chrono::nanoseconds grace, SteadyTime until);

}  // namespace harness
