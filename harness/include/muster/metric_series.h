// Holds what nodes and their processes used over time: the samples of a recording, in order. The
// calls are in metrics.h, and the rules by which growth makes a test fail in metric_rules.h.
//
//   for (const MetricSeries& series : recorder.series()) {
//     for (const ProcessSeries& process : series.processes()) {
//       std::cout << series.node << " " << process.name << " " << process.peakAnonymousBytes();
//     }
//   }
//
// All of them are plain values, which need no cluster and ask no node.
//
// Things to get right:
//   * Counters (processor time, bytes of disks and networks) are what the kernel has counted since
//     the boot or the process's start. cpuShare() and others make a share or a rate of two samples.
//   * On a node that shares a kernel, as a local node does, NodeUsage is about the whole machine.
//     Only interfaces, and the count of processes, are the node's own. ProcessUsage always is.
//   * What cannot be read is absent, and never zero.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace muster {

struct NodeUsage {
  // The processors that are online.
  std::optional<int> processors = {};

  // The time of all processors that was neither idle nor waiting for a disk, nor stolen by the
  // hypervisor, and the rest of their time.
  std::optional<std::chrono::nanoseconds> busy = {};
  std::optional<std::chrono::nanoseconds> idle = {};
  std::optional<uint64_t> memoryTotalBytes = {};

  // What programs can have before the node swaps, as its kernel estimates.
  std::optional<uint64_t> memoryAvailableBytes = {};
  std::optional<uint64_t> swapTotalBytes = {};
  std::optional<uint64_t> swapFreeBytes = {};

  // Disks that have a device count, so loop, md and dm do not.
  std::optional<uint64_t> diskReadBytes = {};
  std::optional<uint64_t> diskWrittenBytes = {};

  // All interfaces but the loopback count. Bytes through a bridge do so at each of its interfaces.
  std::optional<uint64_t> networkReceivedBytes = {};
  std::optional<uint64_t> networkSentBytes = {};

  // Open files of the kernel, and processes of the node.
  std::optional<uint64_t> descriptors = {};
  std::optional<uint64_t> processes = {};

  // The load average of a minute.
  std::optional<double> load1 = {};
};

struct ProcessUsage {
  int pid = 0;

  // Tells two processes of one pid apart: the start in ticks since the boot.
  uint64_t startTicks = 0;

  // The name by which it was chosen.
  std::string name = {};

  // Processor time in user and kernel mode.
  std::optional<std::chrono::nanoseconds> cpu = {};
  std::optional<uint64_t> residentBytes = {};

  // What the process itself has written to and cannot drop, in memory and in swap (RssAnon and
  // VmSwap). It is what a leak makes grow; files that are mapped are no part of it.
  std::optional<uint64_t> anonymousBytes = {};
  std::optional<uint64_t> threads = {};
  std::optional<uint64_t> descriptors = {};

  // Bytes that were fetched from storage, and sent there.
  std::optional<uint64_t> readBytes = {};
  std::optional<uint64_t> writtenBytes = {};
};

struct MetricSample {
  // The node's wall clock, for people, and its time since the boot, which is never set.
  std::chrono::system_clock::time_point at = {};
  std::chrono::nanoseconds sinceBoot{0};
  NodeUsage node = {};

  // In order of pid, at most 256. Those beyond are counted.
  std::vector<ProcessUsage> processes = {};
  int processesLeftOut = 0;
};

// One process over time.
struct ProcessSeries {
  struct Point {
    std::chrono::nanoseconds sinceBoot{0};
    ProcessUsage usage = {};
  };

  int pid = 0;
  std::string name = {};
  std::vector<Point> points = {};

  // Returns the most that any sample has; 0 if none has it.
  uint64_t peakAnonymousBytes() const;

  // Returns the processor time per time between the first and the last sample: 1.0 is one
  // processor. Absent for fewer than two samples.
  std::optional<double> cpuShare() const;
};

struct MetricSeries {
  std::string node = {};
  std::vector<MetricSample> samples = {};

  // Says what is missing, a sentence each: samples that were lost, or left out to save memory, and
  // a recording that began anew. Empty: nothing is.
  std::vector<std::string> notes = {};

  // Returns each process that a sample has, in order of its first one. A later process with the
  // pid of an earlier one is another.
  std::vector<ProcessSeries> processes() const;
};

// Returns the share of all processors that was busy between two samples, from 0 to 1; absent if one
// of them does not tell.
std::optional<double> cpuShare(const MetricSample& before, const MetricSample& after);

// Returns the units of a counter per second, such as bytes of NodeUsage::diskReadBytes. Absent if
// one of them is, if no time has passed, or if the counter fell, as after a boot.
std::optional<double> ratePerSecond(std::optional<uint64_t> before, std::optional<uint64_t> after,
                                    std::chrono::nanoseconds time);

// Print the names and the number of samples, for gtest.
void PrintTo(const ProcessSeries& series, std::ostream* out);
void PrintTo(const MetricSeries& series, std::ostream* out);

}  // namespace muster
