// The calls of the capability of metrics, as attempts that may be made again.
#pragma once

#include "harness/rpc/bytes.h"
#include "harness/rpc/metrics/recordings.h"
#include "harness/rpc/node_calls.h"

namespace harness::rpc {

// A number of a recording that the session does not have yet.
uint64_t newRecordingNumber(ControllerNode::Impl& node);

Attempt<bool> recordAttempt(const RecordingPlan& plan, uint64_t number);
Attempt<RecordingPart> readAttempt(uint64_t number, uint64_t after, int64_t waitNs);
Attempt<bool> stopAttempt(uint64_t number);

// Tells whether a failure says that the recording is gone, as with the session.
bool isGone(muster::NodeError::Kind kind);

}  // namespace harness::rpc
