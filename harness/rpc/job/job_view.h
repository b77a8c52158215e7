// Jobs of every session of one node: lists them, and ends them until none is left. On the io
// thread.
#pragma once

#include <kj/async.h>

#include "harness/rpc/connection.h"
#include "harness/rpc/job/job_listing.h"

namespace harness {

// Fails as Connection::call does. Borrows `connection`.
kj::Promise<JobListing> listJobs(Connection& connection, JobFilter filter, SteadyTime until);

// Cancels what `filter` finds alive, and what it finds alive afterwards, until it finds nothing, or
// nothing but what is not ours to end, or `until` comes close. Zero grace: killed at once. Jobs
// that have ended already are left alone.
kj::Promise<JobsEnded> endJobs(Connection& connection, JobFilter filter,
                               std::chrono::nanoseconds grace, SteadyTime until);

}  // namespace harness
