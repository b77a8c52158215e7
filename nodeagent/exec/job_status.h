// Translates between a job and the messages that ask for it and show it. It changes no job.
#pragma once

#include "nodeagent/exec/job.h"
#include "schema/job.capnp.h"

namespace nodeagent::exec {

// Reads a wish and bounds it by `limits`. Fails with kind invalid if an offset lies beyond what the
// job produced.
FollowWish readFollow(wire::Follow::Reader follow, const Job& job, const JobLimits& limits);

void writeStatus(const Job& job, wire::JobStatus::Builder status);

// Writes the status and the output that the wish asks for. Returns null if that is done, or
// resolves when the output has been read from its file. `job` and the message outlive the promise.
kj::Maybe<kj::Promise<void>> writeProgress(Job& job, const FollowWish& wish,
                                           wire::JobProgress::Builder progress);

// Returns how many words a message with that progress needs at most.
uint64_t progressWords(const Job& job, const FollowWish& wish);

}  // namespace nodeagent::exec
