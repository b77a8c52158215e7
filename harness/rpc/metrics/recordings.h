// Recordings of what a node and its processes use, for plain blocking code.
//
// The agent takes the samples and keeps the newest. A RunningRecording fetches them as they come,
// so that they outlive a loss of the connection, and begins anew when the session is gone.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <muster/metric_series.h>

#include "harness/rpc/controller_node.h"

namespace harness::rpc {

struct RecordingPlan {
  std::vector<std::string> processes;
  std::chrono::nanoseconds interval{0};
};

struct NumberedSample {
  uint64_t number = 0;
  muster::MetricSample sample;
};

// A part of a recording.
struct RecordingPart {
  std::vector<NumberedSample> samples;

  // The number of the newest sample that the agent has dropped. 0: none was.
  uint64_t lostTo = 0;
  bool hasMore = false;
};

// The samples that were fetched, within a bound.
class FetchedSeries {
 public:
  static constexpr size_t kBytesMax = 32 << 20;

  explicit FetchedSeries(std::string node, size_t bytesMax = kBytesMax);

  // Adds what is new in an answer to a call that asked for samples after `after`.
  void add(uint64_t after, RecordingPart part);

  // The recording began anew, with number 1.
  void beginAgain(const std::string& why);
  void note(const std::string& text);

  // Returns the number of the last sample; 0 if there is none.
  uint64_t last() const { return last_; }
  const muster::MetricSeries& series() const { return series_; }

 private:
  void thinOut();

  const size_t bytesMax_;
  muster::MetricSeries series_;
  size_t bytes_ = 0;
  uint64_t last_ = 0;
};

// Valid as long as the node. Destruction ends it.
class RunningRecording {
 public:
  // Returns when the node has begun. It belongs to the innermost scope of the node's controller.
  // Throws NodeError.
  RunningRecording(ControllerNode& node, const RecordingPlan& plan, SteadyTime until);
  ~RunningRecording();
  RunningRecording(const RunningRecording&) = delete;
  RunningRecording& operator=(const RunningRecording&) = delete;

  // Fetches what the node has, and returns all. What it does not give until then is missing, and a
  // note says so.
  muster::MetricSeries series(SteadyTime until) const;

  const std::string& node() const { return node_.description().name; }

 private:
  class OnLoop;
  struct Shared;

  ControllerNode& node_;

  // Shared with the io thread.
  std::shared_ptr<Shared> shared_;
};

}  // namespace harness::rpc
