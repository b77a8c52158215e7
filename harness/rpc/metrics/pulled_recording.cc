#include "harness/rpc/metrics/pulled_recording.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "harness/rpc/metrics/metrics_calls.h"

namespace harness::rpc {
namespace {

using Kind = muster::NodeError::Kind;

constexpr std::chrono::seconds kFetchMax{10};
constexpr std::chrono::seconds kEndMax{2};
// So that the agent answers before our own time is over.
constexpr std::chrono::milliseconds kFetchMargin{100};

}  // namespace

PulledRecording::PulledRecording(ControllerNode& node, RecordingPlan plan, SteadyTime until)
    : node_(node), plan_(std::move(plan)) {
  begin(until);
}

// The end of the session ends it too.
PulledRecording::~PulledRecording() {
  try {
    ask<bool>(node_, "end a recording", std::chrono::steady_clock::now() + kEndMax,
              stopAttempt(number_));
  } catch (const std::exception&) {
  }
}

void PulledRecording::begin(SteadyTime until) {
  // The calls are made on the io thread, whose random numbers these are.
  number_ = node_.impl().blocking("record metrics", until, [&]() -> kj::Promise<uint64_t> {
    return newRecordingNumber(node_.impl());
  });
  ask<bool>(node_, "record metrics", until, recordAttempt(plan_, number_));
  last_ = 0;
}

std::vector<NumberedSample> PulledRecording::next(SteadyTime until, SteadyTime limit) {
  try {
    std::chrono::nanoseconds left = until - kFetchMargin - std::chrono::steady_clock::now();
    auto wait = std::clamp<std::chrono::nanoseconds>(left, left.zero(), kFetchMax);
    RecordingPart part =
        ask<RecordingPart>(node_, "read metrics", limit, readAttempt(number_, last_, wait.count()));
    if (part.lostTo > last_) {
      note_ = "samples " + std::to_string(last_ + 1) + " to " + std::to_string(part.lostTo) +
              " are lost";
    }
    if (!part.samples.empty()) last_ = part.samples.back().number;
    return std::move(part.samples);
  } catch (const muster::NodeError& error) {
    if (isGone(error.kind())) {
      begin(limit);
      note_ = std::string("the recording began anew: ") + error.what();
      return {};
    }
    bool mayComeBack = error.kind() == Kind::kUnreachable || error.kind() == Kind::kTimeout;
    if (!mayComeBack) throw;
    return {};
  }
}

std::string PulledRecording::takeNote() {
  return std::exchange(note_, {});
}

}  // namespace harness::rpc
