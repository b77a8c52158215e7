// A job as messages show it.
#pragma once

#include "nodeagent/exec/job.h"
#include "schema/job.capnp.h"

namespace nodeagent {

// Fails with kind invalid if an offset lies beyond what the job produced.
FollowWish readFollow(wire::Follow::Reader follow, const Job& job, const JobLimits& limits);

void writeStatus(const Job& job, wire::JobStatus::Builder status);

// Status and the output that the wish asks for.
void writeProgress(Job& job, const FollowWish& wish, wire::JobProgress::Builder progress);

// How much a message with that progress needs at most, in words.
uint64_t progressWords(const Job& job, const FollowWish& wish);

}  // namespace nodeagent
