// A recording whose samples the caller fetches itself, each once, and does not keep.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/rpc/metrics/recordings.h"

namespace harness::rpc {

// Valid as long as the node. It belongs to the session, and destruction ends it. Calls end and
// throw as those of ControllerNode do.
class PulledRecording {
 public:
  PulledRecording(ControllerNode& node, RecordingPlan plan, SteadyTime until);
  ~PulledRecording();
  PulledRecording(const PulledRecording&) = delete;
  PulledRecording& operator=(const PulledRecording&) = delete;

  // Waits for samples until `until`, and returns what there is of them. The call itself may take
  // until `limit`, to bring the answer of a node that is busy. Without a connection until then
  // there are none. If the session is gone, the recording begins anew.
  std::vector<NumberedSample> next(SteadyTime until, SteadyTime limit);

  // Returns why samples are missing since the last call: they were dropped, or the recording began
  // anew. Empty: none are known to be.
  std::string takeNote();

 private:
  void begin(SteadyTime until);

  ControllerNode& node_;
  const RecordingPlan plan_;
  uint64_t number_ = 0;
  uint64_t last_ = 0;
  std::string note_;
};

}  // namespace harness::rpc
