#include <algorithm>
#include <utility>

#include "harness/rpc/metrics/recordings.h"

namespace harness::rpc {
namespace {

constexpr size_t kNotesMax = 32;

size_t bytesOf(const muster::MetricSample& sample) {
  size_t bytes = sizeof sample + sample.processes.size() * sizeof(muster::ProcessUsage);
  for (const muster::ProcessUsage& process : sample.processes) bytes += process.name.size();
  return bytes;
}

}  // namespace

FetchedSeries::FetchedSeries(std::string node, size_t bytesMax) : bytesMax_(bytesMax) {
  series_.node = std::move(node);
}

// Two calls may have asked for the same samples.
void FetchedSeries::add(uint64_t after, RecordingPart part) {
  if (part.lostTo > std::max(after, last_)) {
    note("samples " + std::to_string(std::max(after, last_) + 1) + " to " +
         std::to_string(part.lostTo) +
         " are lost: the agent keeps the newest 2 MiB, and they "
         "were not fetched in time");
  }
  for (NumberedSample& numbered : part.samples) {
    if (numbered.number <= last_) continue;
    last_ = numbered.number;
    bytes_ += bytesOf(numbered.sample);
    series_.samples.push_back(std::move(numbered.sample));
    if (bytes_ > bytesMax_) thinOut();
  }
}

// Leaves out every second sample, the first of all excepted. What comes later is kept whole until
// there is too much again.
void FetchedSeries::thinOut() {
  std::vector<muster::MetricSample> kept;
  bytes_ = 0;
  for (size_t i = 0; i < series_.samples.size(); i += 2) {
    bytes_ += bytesOf(series_.samples[i]);
    kept.push_back(std::move(series_.samples[i]));
  }
  series_.samples = std::move(kept);
  note("every second sample before " + std::to_string(last_) + " was left out to save memory");
}

void FetchedSeries::beginAgain(const std::string& why) {
  note("the recording began anew: " + why);
  last_ = 0;
}

void FetchedSeries::note(const std::string& text) {
  if (series_.notes.size() < kNotesMax) series_.notes.push_back(text);
}

}  // namespace harness::rpc
