// metrics: what nodes and their processes use, sample by sample.
#include <atomic>
#include <iostream>
#include <memory>
#include <mutex>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/command_error.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/metric_words.h"
#include "harness/cli/options.h"
#include "harness/cli/output.h"
#include "harness/metrics/rules.h"
#include "harness/metrics/series_text.h"
#include "harness/rpc/metrics/pulled_recording.h"
#include "harness/values/at_once.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr ListOption kProcess({
    .name = "process",
    .value = "NAME",
    .help = "record processes of this name too; may be given several times",
    .problem = metrics::nameProblem,
});

constexpr DurationOption kInterval({.name = "interval",
                                    .value = "TIME",
                                    .help = "the distance of samples, from 100ms to 1h",
                                    .initial = "1s"},
                                   {.least = metrics::kIntervalMin, .most = metrics::kIntervalMax});

constexpr DurationOption kFor({.name = "for",
                               .value = "TIME",
                               .help = "how long to go on; by default until a signal ends it"},
                              {.most = std::chrono::hours(24 * 7)});

constexpr char kNotes[] =
    R"(A line for each sample of each node, and one for each process of the names: that
of its program as the kernel keeps it (15 bytes at most), or the last part of
argv[0]. Times are UTC.

  CPU       the share of all processors of the node; of a process, the share of
            one processor, which may be over 100%
  MEMORY    what is in use; of a process, what it has written to itself and
            cannot drop, with what is swapped
  READ/s    of disks; of a process, what was fetched from storage
  FDS       open descriptors

On a node that shares a kernel, such as a local one, the first line of a sample
is about the whole machine, but for its network and its processes.

With --json each sample is a line of its own, with counters instead of rates.

  muster metrics @server --process kvd --interval 500ms --for 1m

Exit status: 0 if every node answered, 69 if one did not.
)";

// Every node is asked by a thread.
constexpr size_t kNodesMax = 64;
constexpr std::chrono::seconds kLookMax{1};
// A node that is busy may answer this much later.
constexpr std::chrono::seconds kAnswerMax{5};

using Steady = std::chrono::steady_clock;

// Shows what several threads have read.
class Printer {
 public:
  explicit Printer(const Arguments& arguments) : isJson_(arguments[kJson]) {
    if (!isJson_) writeOutput(MetricLines::head());
  }

  void print(const std::string& node, const std::vector<rpc::NumberedSample>& samples,
             MetricLines& lines) {
    std::string text;
    for (const auto& [number, sample] : samples) {
      text +=
          isJson_ ? jsonText(metrics::sampleJson(node, sample), Layout::kLine) : lines.next(sample);
    }
    std::lock_guard<std::mutex> lock(mutex_);
    if (!text.empty()) writeOutput(text);
  }

  void printNote(const std::string& node, const std::string& note) {
    muster::MetricSeries series;
    series.node = node;
    series.notes = {note};
    std::lock_guard<std::mutex> lock(mutex_);
    if (isJson_) writeOutput(jsonText(metrics::notesJson(series), Layout::kLine));
    std::cerr << "muster metrics: " << node << ": " << support::printable(note) << "\n";
  }

 private:
  const bool isJson_;
  std::mutex mutex_;
};

// Shows the samples of one node until `end`.
void follow(ControllerNode& node, const rpc::RecordingPlan& plan, Steady::time_point end,
            Printer& printer, const std::atomic<bool>& isOver) {
  rpc::PulledRecording recording(node, plan, Steady::now() + kAnswerMax);
  MetricLines lines(node.description().name);
  while (!isOver && Steady::now() < end) {
    auto until = std::min(end, Steady::now() + kLookMax);
    printer.print(node.description().name, recording.next(until, until + kAnswerMax), lines);
    if (auto note = recording.takeNote(); !note.empty()) {
      printer.printNote(node.description().name, note);
    }
    if (isOutputClosed()) throw OutputClosed();
  }
}

int run(const Arguments& arguments) {
  rpc::RecordingPlan plan{arguments[kProcess], arguments[kInterval]};
  if (plan.processes.size() > metrics::kNamesMax) {
    throw CommandError(kExitUsage, "--process: at most " + std::to_string(metrics::kNamesMax) +
                                       " names are possible");
  }
  auto end = Steady::time_point::max();
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0, "@*"));
  if (nodes.size() > kNodesMax) {
    throw CommandError(kExitData, std::to_string(nodes.size()) + " nodes, at most " +
                                      std::to_string(kNodesMax) + " are possible; choose fewer");
  }
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, arguments[kConnectTimeout]);
  if (arguments.has(kFor)) end = Steady::now() + arguments[kFor];
  Printer printer(arguments);
  std::atomic<bool> isOver = false;
  std::vector<muster::NodeError> errors = reachable.errors;
  std::mutex mutex;
  atOnce(reachable.connected.size(), kNodesMax, [&](size_t i) {
    try {
      follow(*reachable.connected[i], plan, end, printer, isOver);
    } catch (const muster::NodeError& error) {
      std::lock_guard<std::mutex> lock(mutex);
      errors.push_back(error);
    } catch (...) {
      isOver = true;
      throw;
    }
  });
  complain(arguments.command(), errors);
  return errors.empty() ? kExitOk : kExitUnavailable;
}

}  // namespace

const Command kMetrics = {
    .name = "metrics",
    .usage = "[NODESET]",
    .summary = "show what nodes and their processes use, sample by sample",
    .options =
        [] {
          return OptionList{&kCluster, &kProcess, &kInterval, &kFor, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsMost = 1,
    .completes = WordKind::kNodes,
    .notes = kNotes,
};

}  // namespace harness
