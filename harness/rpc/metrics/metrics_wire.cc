#include "harness/rpc/metrics/metrics_wire.h"

#include "harness/rpc/bytes.h"

namespace harness::rpc {
namespace {

// A number that the node could not read is below zero.
template <typename Value, typename Number>
std::optional<Value> known(Number number) {
  if (number < 0) return std::nullopt;
  return Value(number);
}

std::optional<std::chrono::nanoseconds> knownTime(int64_t ns) {
  return known<std::chrono::nanoseconds>(ns);
}

std::optional<uint64_t> knownCount(int64_t count) {
  return known<uint64_t>(count);
}

muster::NodeUsage readNode(wire::NodeUsage::Reader from) {
  muster::NodeUsage usage;
  usage.processors = known<int>(from.getProcessors());
  usage.busy = knownTime(from.getBusyNs());
  usage.idle = knownTime(from.getIdleNs());
  usage.memoryTotalBytes = knownCount(from.getMemoryTotalBytes());
  usage.memoryAvailableBytes = knownCount(from.getMemoryAvailableBytes());
  usage.swapTotalBytes = knownCount(from.getSwapTotalBytes());
  usage.swapFreeBytes = knownCount(from.getSwapFreeBytes());
  usage.diskReadBytes = knownCount(from.getDiskReadBytes());
  usage.diskWrittenBytes = knownCount(from.getDiskWrittenBytes());
  usage.networkReceivedBytes = knownCount(from.getNetworkReceivedBytes());
  usage.networkSentBytes = knownCount(from.getNetworkSentBytes());
  usage.descriptors = knownCount(from.getDescriptors());
  usage.processes = knownCount(from.getProcesses());
  usage.load1 = known<double>(from.getLoad1());
  return usage;
}

muster::ProcessUsage readProcess(wire::ProcessUsage::Reader from) {
  muster::ProcessUsage usage;
  usage.pid = from.getPid();
  usage.startTicks = from.getStartTicks();
  usage.name = stringOf(from.getName());
  usage.cpu = knownTime(from.getCpuNs());
  usage.residentBytes = knownCount(from.getResidentBytes());
  usage.anonymousBytes = knownCount(from.getAnonymousBytes());
  usage.threads = knownCount(from.getThreads());
  usage.descriptors = knownCount(from.getDescriptors());
  usage.readBytes = knownCount(from.getReadBytes());
  usage.writtenBytes = knownCount(from.getWrittenBytes());
  return usage;
}

}  // namespace

RecordingPart readPart(wire::Metrics::ReadResults::Reader from) {
  RecordingPart part;
  for (auto each : from.getSamples()) {
    NumberedSample numbered;
    numbered.number = each.getNumber();
    muster::MetricSample& sample = numbered.sample;
    sample.at = realtimeOf(each.getRealtimeNs());
    sample.sinceBoot = std::chrono::nanoseconds(each.getBoottimeNs());
    sample.node = readNode(each.getNode());
    for (auto process : each.getProcesses()) sample.processes.push_back(readProcess(process));
    sample.processesLeftOut = static_cast<int>(each.getProcessesLeftOut());
    part.samples.push_back(std::move(numbered));
  }
  part.lostTo = from.getLostTo();
  part.hasMore = from.getMore();
  return part;
}

}  // namespace harness::rpc
