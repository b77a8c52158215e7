// Says which processes of the nodes a suite records, and by how much each may grow in a test.
//
//   class ReplicaTest : public muster::ClusterTest {
//    public:
//     static muster::MetricRules metrics() {
//       return {.processes = {"kvctl"}, .leaks = {{.process = "kvd", .descriptorsMax = 100}}};
//     }
//   };
//
// Each test records every node of its cluster, from its beginning to its end. Its series are files
// of the run directory, and a table of them is shown when it has ended. A process that grows beyond
// a limit of a leak rule, and goes on growing, makes the test fail.
//
// What growth is. The first samples of a process are left out (warmUp). The others are divided into
// ten parts of the same duration, and of each the least value counts. Therefore neither a spike
// nor the saw-tooth of a garbage collector is growth. A process leaks if its least value has grown
// by more than the limit from the first part to the last, by several steps, still in the second
// half, and without falling back. A process that takes a cache once, or whose growth ends, does not
// leak. docs/reference/metrics.md has the formula.
//
// Things to get right:
//   * A process with fewer than 20 samples behind its warm-up is not judged, which standard error
//     and the property muster_metrics_unjudged of the test's report say. So is one that never
//     appeared.
//   * The work of the test has to go on while it is recorded: a leak that comes with requests does
//     not show in a process that has none.
//   * A rule is refused before the suite runs if it names no process or has no limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace muster {

struct LeakRule {
  // Is the name of the program as the kernel keeps it (15 bytes at most), or the last part of
  // argv[0], from 1 to 255 bytes without a slash. It is required.
  std::string process = {};

  // Is a pattern as of fnmatch(3) for the node's name.
  std::string nodes = "*";

  // Are the most by which a process may grow behind its warm-up: anonymous memory with what is
  // swapped, descriptors, and threads. An absent one is not judged.
  std::optional<uint64_t> memoryBytesMax = 30 << 20;
  std::optional<uint64_t> descriptorsMax = {};
  std::optional<uint64_t> threadsMax = {};

  // Is the time from the process's first sample in which growth is expected. From 0 to 1 h.
  std::chrono::nanoseconds warmUp = std::chrono::seconds(5);
};

// Belongs to a suite: hide ClusterTest::metrics() with a function that returns it.
struct MetricRules {
  // Names processes that are recorded, beside those of the rules.
  std::vector<std::string> processes = {};

  // Is the distance of samples, from 100 ms to 1 h.
  std::chrono::nanoseconds interval = std::chrono::seconds(1);
  std::vector<LeakRule> leaks = {};

  // Tells whether anything is to be recorded.
  bool isEmpty() const { return processes.empty() && leaks.empty(); }
};

// Print the process and its limits, and what is recorded, for gtest.
void PrintTo(const LeakRule& rule, std::ostream* out);
void PrintTo(const MetricRules& rules, std::ostream* out);

}  // namespace muster
