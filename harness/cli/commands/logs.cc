// logs: what programs of the nodes have logged, and marks from which to read it later.
#include "harness/rpc/log/logs.h"

#include <atomic>
#include <fstream>
#include <functional>
#include <iostream>
#include <mutex>
#include <sstream>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/command_error.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/log_words.h"
#include "harness/cli/options.h"
#include "harness/cli/output.h"
#include "harness/log/rules.h"
#include "harness/values/at_once.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

using muster::LogMark;
using muster::LogSource;

constexpr ListOption kUnit({
    .name = "unit",
    .value = "UNIT",
    .help = "the journal's entries of a unit; may be given several times",
});

constexpr ListOption kContainer({
    .name = "container",
    .value = "NAME",
    .help = "the output of a container of podman or docker; may be given several times",
});

constexpr Flag kKernel({.name = "kernel", .help = "the kernel's log"});

// The pattern stands before the problem already.
std::string grepProblem(const std::string& pattern) {
  std::string problem = logs::patternProblem(pattern);
  std::string named = "pattern " + inQuotes(pattern) + " ";
  return problem.starts_with(named) ? problem.substr(named.size()) : problem;
}

constexpr ListOption kGrep({
    .name = "grep",
    .value = "RE2",
    .help = "only lines that match; may be given several times",
    .problem = grepProblem,
});

constexpr Flag kFollow({
    .name = "follow",
    .letter = 'f',
    .help = "go on with lines as they are written; without --since-mark, only with those",
});

constexpr TextOption kMark({
    .name = "mark",
    .value = "FILE",
    .help = "write marks of the present ends to FILE, and show nothing",
    .completes = WordKind::kFiles,
});

constexpr TextOption kSinceMark({
    .name = "since-mark",
    .value = "FILE",
    .help = "only what was written since the marks of FILE, which say the sources too",
    .completes = WordKind::kFiles,
});

constexpr char kNotes[] =
    R"(Sources are named by --file, --unit, --container and --kernel, or by the
marks of a file.
Without any of these they are those of the key "logs" of the cluster file.
Without marks all that there is is shown, rotated files included. A mark is a
place in a log and no time, so nothing is shown twice or left out:

  muster logs @server --file '/var/log/kvd/*.log' --mark before
  muster logs --since-mark before --grep ERROR

What cannot be shown, as it was rotated away meanwhile, is said on standard
error. With --json each line is an object of its own. A command that follows
waits for nodes that cannot be reached, and ends by a signal.

Exit status: 0 if every node answered, 69 if one did not.
)";

// Every node with a source is asked by a thread while the command follows.
constexpr size_t kFollowedMax = 64;
constexpr std::chrono::seconds kLookMax{1};
// A node that is busy may answer this much later.
constexpr std::chrono::seconds kAnswerMax{5};
constexpr std::chrono::minutes kReadMax{10};

struct Stream {
  ControllerNode* node;
  LogMark from;
};

std::chrono::steady_clock::time_point in(std::chrono::nanoseconds time) {
  return std::chrono::steady_clock::now() + time;
}

// Shows what several threads have read.
class Printer {
 public:
  explicit Printer(const Arguments& arguments) : isJson_(arguments[kJson]) {}

  void print(const muster::LogSlice& slice) {
    std::string text;
    std::string notes;
    for (const muster::LogNote& note : slice.notes) {
      if (isJson_)
        text += jsonText(noteJson(note), Layout::kLine);
      else
        notes += "muster logs: " + noteText(note) + "\n";
    }
    for (const muster::LogLine& line : slice.lines) {
      text += isJson_ ? jsonText(lineJson(line), Layout::kLine) : lineText(line);
    }
    std::lock_guard<std::mutex> lock(mutex_);
    if (!notes.empty()) writeErrors(notes);
    if (!text.empty()) writeOutput(text);
  }

 private:
  const bool isJson_;
  std::mutex mutex_;
};

void showOnce(const Stream& stream, const std::vector<std::string>& patterns, Printer& printer) {
  rpc::Logs logs(*stream.node);
  auto until = in(kReadMax);
  LogMark to = logs.mark(stream.from.source, until);
  LogMark at = stream.from;
  for (bool hasMore = true; hasMore;) {
    rpc::LogPart part = logs.readPart(at, to, patterns, until);
    printer.print(part.slice);
    at = part.next;
    hasMore = part.hasMore;
  }
}

void follow(const Stream& stream, const std::vector<std::string>& patterns, Printer& printer,
            const std::atomic<bool>& isOver) {
  rpc::Logs logs(*stream.node);
  LogMark at = stream.from;
  // Calls that a signal has ended fail as those to a node that may come back.
  while (!isOver && interruptedBy() == 0) {
    rpc::LogPart part = [&] {
      try {
        return logs.await(at, patterns, in(kLookMax), in(kLookMax + kAnswerMax));
      } catch (const muster::NodeError& error) {
        using Kind = muster::NodeError::Kind;
        bool mayComeBack = error.kind() == Kind::kUnreachable || error.kind() == Kind::kTimeout;
        if (!mayComeBack) throw;
        return rpc::LogPart{{}, at, false};
      }
    }();
    printer.print(part.slice);
    at = part.next;
    if (isOutputClosed()) throw OutputClosed();
  }
}

std::string contentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw CommandError(kExitNoInput, path + ": cannot be read");
  return text.str();
}

// Marks the ends of all sources, or takes the beginnings.
enum class From { kBeginning, kEnd };

// Returns the sources on a node.
using SourcesOn = std::function<std::vector<LogSource>(const std::string& node)>;

Answers<std::vector<LogMark>> marksOf(const Reachable& reachable, const SourcesOn& sourcesOn,
                                      From from, std::chrono::nanoseconds timeout) {
  std::vector<std::variant<std::vector<LogMark>, muster::NodeError>> found(
      reachable.connected.size());
  auto until = in(timeout);
  atOnce(found.size(), kFollowedMax, [&](size_t i) {
    rpc::Logs logs(*reachable.connected[i]);
    std::vector<LogMark> marks;
    try {
      for (const LogSource& source : sourcesOn(reachable.nodes[i].name)) {
        marks.push_back(from == From::kEnd ? logs.mark(source, until) : logs.beginning(source));
      }
      found[i] = std::move(marks);
    } catch (const muster::NodeError& error) {
      found[i] = error;
    }
  });
  Answers<std::vector<LogMark>> answers;
  answers.take(reachable.nodes, std::move(found));
  return answers;
}

void writeMarks(const std::string& path, const std::string& cluster,
                const Answers<std::vector<LogMark>>& answers) {
  std::vector<LogMark> all;
  for (const auto& [node, marks] : answers.given) all.insert(all.end(), marks.begin(), marks.end());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << marksText(cluster, all);
  file.close();
  if (!file) throw CommandError(kExitCannotCreate, path + ": cannot be written");
}

// Shows the streams, or follows them until the output is closed or a signal ends the calls.
std::vector<muster::NodeError> show(const std::vector<Stream>& streams,
                                    const Arguments& arguments) {
  std::vector<std::string> patterns = arguments[kGrep];
  bool follows = arguments[kFollow];
  if (follows && streams.size() > kFollowedMax) {
    throw CommandError(kExitData, "--follow: " + std::to_string(streams.size()) +
                                      " logs of nodes, at most " + std::to_string(kFollowedMax) +
                                      " are possible; choose fewer nodes");
  }
  Printer printer(arguments);
  std::atomic<bool> isOver = false;
  std::vector<muster::NodeError> errors;
  std::mutex mutex;
  atOnce(streams.size(), kFollowedMax, [&](size_t i) {
    try {
      if (follows)
        follow(streams[i], patterns, printer, isOver);
      else
        showOnce(streams[i], patterns, printer);
    } catch (const muster::NodeError& error) {
      std::lock_guard<std::mutex> lock(mutex);
      errors.push_back(error);
    } catch (...) {
      isOver = true;
      throw;
    }
  });
  return errors;
}

std::vector<Stream> streamsOf(const Reachable& reachable, const std::vector<LogMark>& marks) {
  std::vector<Stream> streams;
  for (const LogMark& mark : marks) {
    for (size_t i = 0; i < reachable.nodes.size(); ++i) {
      if (reachable.nodes[i].name == mark.node) streams.push_back({reachable.connected[i], mark});
    }
  }
  return streams;
}

// Those of the command line, else those of the cluster.
SourcesOn sourcesFor(const std::string& cluster, const Arguments& arguments,
                     std::vector<LogSource> named) {
  if (!named.empty() || arguments.has(kSinceMark)) {
    return [named](const std::string&) { return named; };
  }
  ClusterLogs logs = wishesOf(arguments[kCluster]).logs;
  if (logs.sources.empty()) {
    throw CommandError(
        kExitUsage,
        "name the logs by --file, --unit, --container and --kernel, or by --since-mark; the file "
        "of cluster " +
            inQuotes(cluster) + " has no key \"logs\"");
  }
  return [logs](const std::string& node) { return logsOn(logs, node).sources; };
}

int run(const Arguments& arguments) {
  auto timeout = arguments[kConnectTimeout];
  std::string marked = arguments[kSinceMark];
  std::vector<LogSource> sources =
      sourcesOf(arguments[kNodeFiles], arguments[kUnit], arguments[kContainer]);
  if (arguments[kKernel]) sources.push_back(LogSource::kernel());
  if (!sources.empty() && !marked.empty()) {
    throw CommandError(
        kExitUsage,
        "name the logs either by --file, --unit, --container and --kernel, or by --since-mark");
  }
  if (arguments.has(kMark) && (!marked.empty() || arguments[kFollow])) {
    throw CommandError(kExitUsage, "--mark shows nothing, so it goes with no other of these");
  }
  std::vector<LogMark> marks;
  if (!marked.empty()) marks = readMarks(contentOf(marked), marked);
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0, "@*"));
  SourcesOn sourcesOn = sourcesFor(cluster.name, arguments, std::move(sources));
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, timeout);
  Answers<std::vector<LogMark>> answers;
  if (marked.empty()) {
    bool atEnd = arguments.has(kMark) || arguments[kFollow];
    answers = marksOf(reachable, sourcesOn, atEnd ? From::kEnd : From::kBeginning, timeout);
    for (const auto& [node, some] : answers.given)
      marks.insert(marks.end(), some.begin(), some.end());
  }
  if (arguments.has(kMark)) {
    writeMarks(arguments[kMark], cluster.name, answers);
  } else {
    auto errors = show(streamsOf(reachable, marks), arguments);
    answers.errors.insert(answers.errors.end(), errors.begin(), errors.end());
  }
  answers.errors.insert(answers.errors.begin(), reachable.errors.begin(), reachable.errors.end());
  complain(arguments.command(), answers.errors);
  if (arguments[kJson]) {
    for (const Json& error : errorsJson(answers.errors))
      writeOutput(jsonText(error, Layout::kLine));
  }
  return answers.errors.empty() ? kExitOk : kExitUnavailable;
}

}  // namespace

const Command kLogs = {
    .name = "logs",
    .usage = "[NODESET]",
    .summary = "show or follow what programs of the nodes have logged",
    .options =
        [] {
          return OptionList{&kCluster, &kNodeFiles, &kUnit,      &kContainer,      &kKernel, &kGrep,
                            &kFollow,  &kMark,      &kSinceMark, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsMost = 1,
    .completes = WordKind::kNodes,
    .notes = kNotes,
};

}  // namespace harness
