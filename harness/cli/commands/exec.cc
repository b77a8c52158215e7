// exec: one command on several nodes at once.
#include <unistd.h>

#include <iostream>
#include <iterator>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/grouped_output.h"
#include "harness/cli/options.h"
#include "harness/cli/output.h"
#include "harness/cli/table.h"
#include "harness/os/fd.h"
#include "harness/rpc/job/jobs.h"

namespace harness {
namespace {

// The deadline of a command on a node: the only meaning of --timeout in `muster`.
constexpr DurationOption kTimeout({
    .name = "timeout",
    .letter = 't',
    .value = "TIME",
    .help = "the deadline of the command; the nodes kill it then, with all that it started",
    .initial = "10m",
});

constexpr TextOption kDirectory({
    .name = "directory",
    .letter = 'C',
    .value = "DIRECTORY",
    .help = "run in this directory of the node",
});

constexpr Flag kInput({
    .name = "input",
    .letter = 'i',
    .help = "pass standard input on",
});

constexpr Flag kPrefix({.name = "prefix", .help = "begin every line with the name of its node"});

constexpr char kNotes[] =
    R"(NODESET is a list of names and sets, such as server[1-3],client1. @ROLE,
@LABEL=VALUE and @* (all) are sets; a!b is a without b, a&b what is in both,
a^b what is in one of them.

No shell is involved: for pipes and globs, run sh -c '...'. The output of one
node is passed on as it comes, both streams apart. The output of several nodes
is shown when all have ended, with standard error at its place in it, and
equal output only once.

Exit status: that of the command, and the highest if the nodes differ; 128 plus
the signal's number if a signal ended it; 127 if it was not found; 126 if it
could not be started; 124 if it timed out. It is 69 if a node could not be
asked or an outcome is unknown, whatever the other nodes answered.
)";

// Maps an outcome to the status that a shell gives for it: 126 and 127 for a command that cannot be
// run, 128 and the number for a signal, and 124 for a deadline, as timeout(1) does.
int statusOf(const muster::Outcome& outcome) {
  using Kind = muster::Outcome::Kind;
  switch (outcome.kind()) {
    case Kind::kExited:
      return outcome.exitStatus();
    case Kind::kSignalled:
      return 128 + outcome.signal();
    case Kind::kNotStarted:
      return outcome.errnoValue() == ENOENT ? 127 : 126;
    case Kind::kDeadline:
      return 124;
    default:
      return kExitUnavailable;
  }
}

struct Report {
  std::vector<NodeAnswer> answers;
  int status = 0;
  bool unavailable = false;
};

using Answer = std::variant<muster::Result, muster::NodeError>;

Report summarize(const std::vector<NodeDescription>& nodes, const std::vector<Answer>& answers) {
  Report report;
  for (size_t i = 0; i < answers.size(); ++i) {
    NodeAnswer answer{nodes[i].name, "", ""};
    if (const auto* result = std::get_if<muster::Result>(&answers[i])) {
      answer.output = result->out;
      if (!result->outcome.succeeded()) answer.ending = muster::toString(result->outcome);
      report.status = std::max(report.status, statusOf(result->outcome));
      bool known = result->outcome.kind() != muster::Outcome::Kind::kLost &&
                   result->outcome.kind() != muster::Outcome::Kind::kSessionEnded;
      report.unavailable = report.unavailable || !known;
    } else {
      const auto& error = std::get<muster::NodeError>(answers[i]);
      answer.ending = muster::toString(error.kind()) + ": " + error.detail();
      report.unavailable = true;
    }
    report.answers.push_back(std::move(answer));
  }
  return report;
}

Json answersJson(const std::vector<NodeDescription>& nodes, const std::vector<Answer>& answers) {
  Json list = Json::array();
  for (size_t i = 0; i < answers.size(); ++i) {
    Json entry = {{"node", nodes[i].name}};
    if (const auto* result = std::get_if<muster::Result>(&answers[i])) {
      entry["outcome"] = muster::toString(result->outcome);
      entry["status"] = statusOf(result->outcome);
      entry["stdout"] = result->out;
      entry["stderr"] = result->err;
      entry["elapsed_seconds"] = std::chrono::duration<double>(result->elapsed).count();
      entry["left_running"] = result->leftRunning;
      entry["error"] = nullptr;
    } else {
      const auto& error = std::get<muster::NodeError>(answers[i]);
      entry["error"] = {{"kind", muster::toString(error.kind())}, {"detail", error.detail()}};
    }
    list.push_back(std::move(entry));
  }
  return list;
}

// Runs the command on one node and passes its output on as it comes, as if it ran here.
int passOn(ControllerNode& node, const JobRequest& request, std::chrono::nanoseconds connectTimeout,
           muster::SteadyTime until) {
  try {
    node.awaitConnected(std::chrono::steady_clock::now() + connectTimeout);
    rpc::Job job = rpc::Jobs(node).start(request, until);
    size_t out = 0;
    size_t err = 0;
    do {
      job.pull(PullUntil::kChange, until);
      const muster::Result& result = job.result();
      writeOutput(std::string_view(result.out).substr(out));
      writeErrors(std::string_view(result.err).substr(err));
      out = result.out.size();
      err = result.err.size();
    } while (!job.ended());
    const muster::Outcome& outcome = job.result().outcome;
    job.release();
    if (outcome.kind() != muster::Outcome::Kind::kExited) {
      std::cerr << "muster exec: " << job.node() << ": " << muster::toString(outcome) << "\n";
    }
    return statusOf(outcome);
  } catch (const muster::NodeError& error) {
    std::cerr << "muster exec: " << error.what() << "\n";
    return kExitUnavailable;
  }
}

// Runs the command on the nodes that can be reached within `connectTimeout`. The answer of another
// node is why it cannot be reached; it delays no other.
std::vector<Answer> runOnReachable(Connections& connections, const JobRequest& request,
                                   std::chrono::nanoseconds connectTimeout,
                                   muster::SteadyTime until) {
  auto errors = connections.controller().awaitAll(
      connections.nodes(), std::chrono::steady_clock::now() + connectTimeout);
  std::vector<ControllerNode*> reachable;
  for (size_t i = 0; i < errors.size(); ++i) {
    if (!errors[i]) reachable.push_back(connections.nodes()[i]);
  }
  std::vector<Answer> ran = rpc::runOnAll(reachable, request, until);
  std::vector<Answer> answers;
  size_t next = 0;
  for (auto& error : errors) {
    answers.push_back(error ? Answer(std::move(*error)) : std::move(ran[next++]));
  }
  return answers;
}

std::string standardInput() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

JobRequest requestOf(const Arguments& arguments) {
  JobRequest request;
  request.argv = arguments.rest();
  request.options.deadline = arguments[kTimeout];
  request.options.user = arguments[kUser];
  request.options.directory = arguments[kDirectory];
  if (arguments[kInput]) request.options.input = standardInput();
  return request;
}

int run(const Arguments& arguments) {
  if (arguments.rest().empty()) {
    throw CommandError(kExitUsage,
                       "a command is missing: muster exec NODESET -- COMMAND [ARGUMENT...]");
  }
  std::string runId = chooseRunId(arguments[kRunId]);
  JobRequest request = requestOf(arguments);
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0));
  bool asJson = arguments[kJson];
  bool one = nodes.size() == 1 && !arguments[kPrefix] && !asJson;
  if (!one && !asJson) request.options.stderrTo = muster::StderrTo::kStdout;
  Connections connections(nodes, runId);
  auto until =
      std::chrono::steady_clock::now() + *request.options.deadline + std::chrono::seconds(15);
  auto connectTimeout = arguments[kConnectTimeout];
  if (one) return passOn(*connections.nodes()[0], request, connectTimeout, until);
  std::vector<Answer> answers = runOnReachable(connections, request, connectTimeout, until);
  Report report = summarize(nodes, answers);
  if (asJson) {
    printJson({{"run", runId}, {"nodes", answersJson(nodes, answers)}});
  } else {
    std::cout << (arguments[kPrefix] ? prefixed(report.answers) : gathered(report.answers));
  }
  return report.unavailable ? static_cast<int>(kExitUnavailable) : report.status;
}

}  // namespace

const Command kExec = {
    .name = "exec",
    .usage = "NODESET -- COMMAND [ARGUMENT...]",
    .summary = "run a command on nodes",
    .options =
        [] {
          return OptionList{&kCluster, &kTimeout, &kConnectTimeout, &kUser, &kDirectory,
                            &kRunId,   &kInput,   &kPrefix,         &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .rest = Rest::kSeparate,
    .completes = WordKind::kNodes,
    .notes = kNotes,
};

}  // namespace harness
