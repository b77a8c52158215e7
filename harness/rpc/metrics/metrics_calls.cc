#include "harness/rpc/metrics/metrics_calls.h"

#include "harness/rpc/metrics/metrics_wire.h"
#include "schema/metrics.capnp.h"

namespace harness::rpc {

uint64_t newRecordingNumber(ControllerNode::Impl& node) {
  return (node.io.randomNumber() >> 2) + 1;
}

Attempt<bool> recordAttempt(const RecordingPlan& plan, uint64_t number) {
  return [plan, number](EstablishedConnection& live) {
    auto request = live.get<wire::Metrics>().recordRequest();
    request.setRecording(number);
    auto names = request.initProcesses(static_cast<unsigned>(plan.processes.size()));
    for (unsigned i = 0; i < names.size(); ++i) names.set(i, dataOf(plan.processes[i]));
    request.setIntervalNs(plan.interval.count());
    return request.send().then(answered);
  };
}

Attempt<RecordingPart> readAttempt(uint64_t number, uint64_t after, int64_t waitNs) {
  return [number, after, waitNs](EstablishedConnection& live) {
    auto request = live.get<wire::Metrics>().readRequest();
    request.setRecording(number);
    request.setAfter(after);
    request.setWaitNs(waitNs);
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return readPart(response);
    });
  };
}

Attempt<bool> stopAttempt(uint64_t number) {
  return [number](EstablishedConnection& live) {
    auto request = live.get<wire::Metrics>().stopRequest();
    request.initRecordings(1).set(0, number);
    return request.send().then(answered);
  };
}

bool isGone(muster::NodeError::Kind kind) {
  return kind == muster::NodeError::Kind::kNotFound || kind == muster::NodeError::Kind::kLost;
}

}  // namespace harness::rpc
