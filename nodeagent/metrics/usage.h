// Holds what a node and its processes use at one moment, and reads it from the texts of /proc.
//
// The functions that take a text neither look at the node nor fail: what the text does not tell
// stays unknown.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace nodeagent::metrics {

constexpr int64_t kUnknown = -1;

// As NodeUsage in schema/metrics.capnp.
struct NodeUsage {
  int32_t processors = kUnknown;
  int64_t busyNs = kUnknown;
  int64_t idleNs = kUnknown;
  int64_t memoryTotalBytes = kUnknown;
  int64_t memoryAvailableBytes = kUnknown;
  int64_t swapTotalBytes = kUnknown;
  int64_t swapFreeBytes = kUnknown;
  int64_t diskReadBytes = kUnknown;
  int64_t diskWrittenBytes = kUnknown;
  int64_t networkReceivedBytes = kUnknown;
  int64_t networkSentBytes = kUnknown;
  int64_t descriptors = kUnknown;
  int64_t processes = kUnknown;
  double load1 = kUnknown;
};

// As ProcessUsage in schema/metrics.capnp.
struct ProcessUsage {
  pid_t pid = 0;
  uint64_t startTicks = 0;
  std::string name;
  int64_t cpuNs = kUnknown;
  int64_t residentBytes = kUnknown;
  int64_t anonymousBytes = kUnknown;
  int32_t threads = kUnknown;
  int32_t descriptors = kUnknown;
  int64_t readBytes = kUnknown;
  int64_t writtenBytes = kUnknown;
};

// Each reads one file of /proc: stat, meminfo, net/dev, sys/fs/file-nr and loadavg. `tickNs` is the
// length of a tick of the kernel's clocks for programs.
void readProcessors(const std::string& text, int64_t tickNs, NodeUsage& usage);
void readMemory(const std::string& text, NodeUsage& usage);
void readInterfaces(const std::string& text, NodeUsage& usage);
void readOpenFiles(const std::string& text, NodeUsage& usage);
void readLoad(const std::string& text, NodeUsage& usage);

// Reads diskstats. Only disks count that `isCounted`, which is given their names, takes: a sum over
// partitions and their disk would have each byte twice.
void readDisks(const std::string& text,
               const std::function<bool(const std::string& name)>& isCounted, NodeUsage& usage);

// Each reads one file of a process: status and io.
void readProcessMemory(const std::string& text, ProcessUsage& usage);
void readProcessStorage(const std::string& text, ProcessUsage& usage);

}  // namespace nodeagent::metrics
