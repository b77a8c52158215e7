// Records what nodes and their processes use: processors, memory, disks, network, descriptors.
//
//   MetricRecorder recorder(servers(), {.processes = {"kvd"}, .interval = 500ms});
//   client.run({"kvbench", "--seconds=20"}).checked();
//   for (const MetricSeries& series : recorder.series()) {
//     EXPECT_THAT(series.processes(), testing::SizeIs(1)) << series.node;
//   }
//
// The agents take the samples, also while the connection is lost, and the values are in
// metric_series.h. A suite that is to fail if a process leaks declares that by metric_rules.h, and
// needs no recorder. Nothing on the nodes is changed.
//
// Things to get right:
//   * Hold it: a recorder that is not held is over at once. Compilers warn of it.
//   * The agent keeps 2 MiB of samples of a recording, some 20 minutes of five processes at an
//     interval of a second. What is lost after a longer loss of the connection is a note of the
//     series.
//   * A series has 32 MiB at most. Beyond that every second sample is left out, and a note says so.
//   * A session has eight recordings at most on each node.
#pragma once

#include <chrono>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include <muster/metric_series.h>
#include <muster/node_set.h>

namespace harness::rpc {
class RunningRecording;
}

namespace muster {

struct MetricOptions {
  // Names the processes that are recorded, at most 64: a program as the kernel keeps its name (15
  // bytes at most), or the last part of argv[0]. Empty: only nodes are.
  std::vector<std::string> processes = {};

  // Is the distance of samples, from 100 ms to 1 h.
  std::chrono::nanoseconds interval = std::chrono::seconds(1);
};

// Records from its construction to its end, on all nodes of the set at once. Call from the test
// thread.
class [[nodiscard]] MetricRecorder {
 public:
  using Where = std::source_location;

  // Returns when each node has begun. Throws NodeError, the first of any node: kInvalid for a name
  // or an interval that cannot be, kOverloaded if there are too many recordings, kUnsupported if
  // the agent is too old to record.
  explicit MetricRecorder(const NodeSet& nodes, const MetricOptions& options = {},
                          Where where = Where::current());
  ~MetricRecorder();
  MetricRecorder(MetricRecorder&&) noexcept;
  MetricRecorder& operator=(MetricRecorder&&) noexcept;

  // Returns the series of each node, in the order of the set, up to the newest sample that its
  // agent has. A node that does not answer within two seconds gives what has arrived, and a note
  // says so. It may be called again and again, and after end().
  std::vector<MetricSeries> series() const;

  // Ends the recording, with the newest samples. Later calls and the destructor do nothing.
  void end();

 private:
  std::vector<std::unique_ptr<harness::rpc::RunningRecording>> running_;
  std::vector<MetricSeries> ended_;
};

}  // namespace muster
