#include <algorithm>
#include <chrono>
#include <utility>

#include <muster/deadline.h>
#include <muster/metrics.h>

#include "harness/api/access.h"
#include "harness/rpc/metrics/recordings.h"
#include "harness/values/at_once.h"

namespace muster {

using harness::rpc::RunningRecording;

namespace {

// A node that a test has cut off does not keep it waiting.
constexpr std::chrono::seconds kFetchMax{2};

}  // namespace

MetricRecorder::MetricRecorder(const NodeSet& nodes, const MetricOptions& options, Where where) {
  const std::vector<Node*>& all = harness::ApiAccess::nodesOf(nodes);
  harness::rpc::RecordingPlan plan{options.processes, options.interval};
  auto begun = harness::answersOf<std::unique_ptr<RunningRecording>>(
      nodes.names(), harness::kFanOutMax, where, [&](size_t i) {
        return std::make_unique<RunningRecording>(harness::ApiAccess::behind(*all[i]), plan,
                                                  DeadlineScope::current());
      });
  for (auto& answer : begun) {
    if (answer.error) throw NodeError(*answer.error);
    running_.push_back(std::move(*answer.value));
  }
}

MetricRecorder::~MetricRecorder() = default;
MetricRecorder::MetricRecorder(MetricRecorder&&) noexcept = default;
MetricRecorder& MetricRecorder::operator=(MetricRecorder&&) noexcept = default;

std::vector<MetricSeries> MetricRecorder::series() const {
  if (running_.empty()) return ended_;
  std::vector<MetricSeries> all(running_.size());
  SteadyTime until =
      std::min(std::chrono::steady_clock::now() + kFetchMax, DeadlineScope::current());
  harness::atOnce(all.size(), harness::kFanOutMax,
                  [&](size_t i) { all[i] = running_[i]->series(until); });
  return all;
}

void MetricRecorder::end() {
  ended_ = series();
  running_.clear();
}

}  // namespace muster
