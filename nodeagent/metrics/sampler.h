// Takes one sample after the other of what this node and the processes of some names use.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/metrics/usage.h"

namespace nodeagent::metrics {

// A sample has no more processes than these.
constexpr size_t kProcessesMax = 256;

// A sample without its number.
struct Sample {
  int64_t realtimeNs = 0;
  int64_t boottimeNs = 0;
  NodeUsage node;
  // In order of pid.
  std::vector<ProcessUsage> processes;
  uint32_t processesLeftOut = 0;

  // Returns how much memory it takes, about.
  size_t bytes() const;
};

// Reads /proc, so it belongs on a worker thread, one call at a time.
class Sampler final {
 public:
  explicit Sampler(kj::Array<kj::String> names) : names_(kj::mv(names)) {}

  // Takes a sample. Its times are left at zero.
  Sample take();

 private:
  using ProcessKey = std::pair<pid_t, uint64_t>;

  void takeProcesses(Sample& sample);

  const kj::Array<kj::String> names_;
  // The processes of the last sample. The name of one that cannot be asked for it is known from
  // there.
  std::map<ProcessKey, std::string> last_;
};

}  // namespace nodeagent::metrics
