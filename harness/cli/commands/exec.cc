// exec: one command on several nodes at once.
#include <iostream>
#include <utility>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/converse.h"
#include "harness/cli/grouped_output.h"
#include "harness/cli/options.h"
#include "harness/cli/output.h"
#include "harness/cli/table.h"
#include "harness/rpc/job/job_group.h"
#include "harness/rpc/job/jobs.h"
#include "harness/rpc/sync/sync.h"
#include "schema/support/base/text.h"

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

constexpr Flag kDetach({
    .name = "detach",
    .letter = 'd',
    .help = "start the command and leave it to itself, with what it starts: its output is not "
            "shown, and it has no deadline unless --timeout is given",
});

constexpr CountOption kFanOut(
    {
        .name = "fanout",
        .value = "COUNT",
        .help = "run on at most COUNT nodes at once, and on the next when it is over on one",
    },
    {.least = 1, .most = 100'000});

std::string environmentProblem(const std::string& text) {
  size_t equals = text.find('=');
  return equals == std::string::npos || equals == 0 ? "is not of the form NAME=VALUE" : "";
}

constexpr ListOption kEnvironment({
    .name = "env",
    .letter = 'e',
    .value = "NAME=VALUE",
    .help = "set this variable of the command; may be given several times",
    .problem = environmentProblem,
});

constexpr Flag kEvents({
    .name = "events",
    .help = "print a line of JSON for all that happens, as it happens",
});

constexpr Flag kPrefix({.name = "prefix", .help = "begin every line with the name of its node"});

// How long a command may outlast its deadline: the grace, and the way of the answer.
constexpr std::chrono::seconds kEndMargin{15};

// How long to wait for what commands have reported last.
constexpr std::chrono::seconds kReportsMax{2};

// The most output of a node that becomes JSON, which is made as a whole and takes up to six times
// as much.
constexpr uint64_t kJsonBytesMax = 64 << 20;

constexpr char kNotes[] =
    R"(NODESET is a list of names and sets, such as server[1-3],client1. @ROLE,
@LABEL=VALUE and @* (all) are sets; a!b is a without b, a&b what is in both,
a^b what is in one of them.

No shell is involved: for pipes and globs, run sh -c '...'. The output of one
node is passed on as it comes, both streams apart. The output of several nodes
is shown when all have ended, with standard error at its place in it, and
equal output only once. Input goes to all nodes as it comes: the slowest one
decides how fast it is read.

The commands on the nodes can wait for each other by nodeagent barrier and
nodeagent wait, as those of a test do.

Processes that a command left running are ended when muster ends, unless the
command was started with --detach.

Exit status: that of the command, and the highest if the nodes differ; 128 plus
the signal's number if a signal ended it; 127 if it was not found; 126 if it
could not be started; 124 if it timed out. It is 69 if a node could not be
asked or an outcome is unknown, whatever the other nodes answered.
)";

// An older agent does not tell a missing program from a missing working directory.
bool isProgramMissing(const muster::Outcome& outcome) {
  bool isOfProgram = outcome.failedStep() == muster::StartStep::kProgram ||
                     outcome.failedStep() == muster::StartStep::kUnspecified;
  return isOfProgram && outcome.errnoValue() == ENOENT;
}

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
      return isProgramMissing(outcome) ? 127 : 126;
    case Kind::kDeadline:
      return 124;
    default:
      return kExitUnavailable;
  }
}

using Answer = rpc::RunAnswer;

// The exit status for one answer.
int statusOf(const Answer& answer) {
  const auto* result = std::get_if<muster::Result>(&answer);
  return result == nullptr ? static_cast<int>(kExitUnavailable) : statusOf(result->outcome);
}

// Returns whether it is known how the command ended.
bool isKnown(const Answer& answer) {
  const auto* result = std::get_if<muster::Result>(&answer);
  return result != nullptr && result->outcome.kind() != muster::Outcome::Kind::kLost &&
         result->outcome.kind() != muster::Outcome::Kind::kSessionEnded;
}

int statusOf(const std::vector<Answer>& answers) {
  int status = 0;
  for (const Answer& answer : answers) {
    if (!isKnown(answer)) return kExitUnavailable;
    status = std::max(status, statusOf(answer));
  }
  return status;
}

std::string endingOf(const Answer& answer) {
  if (const auto* result = std::get_if<muster::Result>(&answer)) {
    if (result->stillEnding) return "told to end at its deadline; still ending";
    return result->outcome.succeeded() ? "" : muster::toString(result->outcome);
  }
  const auto& error = std::get<muster::NodeError>(answer);
  return muster::toString(error.kind()) + ": " + error.detail();
}

Json errorJson(const muster::NodeError& error) {
  return {{"kind", muster::toString(error.kind())}, {"detail", error.detail()}};
}

Json answerJson(const NodeDescription& node, const Answer& answer) {
  Json entry = {{"node", node.name}};
  if (const auto* error = std::get_if<muster::NodeError>(&answer)) {
    entry["error"] = errorJson(*error);
    return entry;
  }
  const auto& result = std::get<muster::Result>(answer);
  entry["outcome"] = muster::toString(result.outcome);
  entry["still_ending"] = result.stillEnding;
  entry["status"] = statusOf(result.outcome);
  entry["stdout"] = result.out;
  entry["stderr"] = result.err;
  entry["elapsed_seconds"] = std::chrono::duration<double>(result.elapsed).count();
  entry["left_running"] = result.leftRunning;
  entry["error"] = nullptr;
  return entry;
}

// One command on the nodes that were chosen.
struct Execution {
  std::vector<NodeDescription> nodes;
  std::vector<ControllerNode*> connected;
  JobRequest request;
  PassInput input = PassInput::kNo;
  std::chrono::nanoseconds connectTimeout{0};

  // How long the command of each node is waited for.
  std::chrono::nanoseconds time{0};
  size_t fanOut = 0;
  // See Conversation::whyGone.
  std::function<std::string()> whyGone;
};

// What ends with our session says so, because nobody asked for its end.
void noteLeftRunning(const NodeDescription& node, const Answer& answer) {
  const auto* result = std::get_if<muster::Result>(&answer);
  if (result == nullptr || result->leftRunning == 0 || !isKnown(answer)) return;
  std::cerr << "muster exec: " << node.name << ": the command left " << result->leftRunning
            << (result->leftRunning == 1 ? " process" : " processes")
            << " running, which end now; see --detach\n";
}

// Shows what the commands have said by `nodeagent report`. They say it to a person here.
void noteReports(rpc::Sync& sync) {
  auto end = sync.endTest(std::chrono::steady_clock::now() + kReportsMax);
  for (const SyncReport& report : end.reports) {
    std::string text = toString(report.result);
    if (!report.message.empty()) text += ": " + report.message;
    for (const auto& [name, value] : report.data) text += " " + name + "=" + value;
    std::cerr << "muster exec: " << report.from.node << ": reported " << support::printable(text)
              << "\n";
  }
}

// Runs the command on the nodes that can be reached in time, and gives `take` what they write, with
// the number of the node in `nodes`. The answer of another node is why it cannot be reached; it
// delays no other.
std::vector<Answer> converseWithReachable(
    Controller& controller, const Execution& execution,
    const std::function<void(rpc::JobGroup::News& news)>& take) {
  auto errors = controller.awaitAll(execution.connected,
                                    std::chrono::steady_clock::now() + execution.connectTimeout);
  std::vector<ControllerNode*> reachable;
  std::vector<size_t> numbers;
  for (size_t i = 0; i < errors.size(); ++i) {
    if (errors[i]) continue;
    reachable.push_back(execution.connected[i]);
    numbers.push_back(i);
  }
  rpc::Sync sync(reachable);
  rpc::JobGroup group(reachable, execution.request, execution.time, execution.fanOut);
  Conversation conversation;
  conversation.input = execution.input;
  conversation.speaker = "muster exec";
  conversation.whyGone = execution.whyGone;
  conversation.take = [&](rpc::JobGroup::News& news) {
    news.node = numbers[news.node];
    take(news);
  };
  converse(group, reachable, conversation);
  noteReports(sync);
  std::vector<Answer> answers;
  size_t next = 0;
  for (size_t i = 0; i < errors.size(); ++i) {
    answers.push_back(errors[i] ? Answer(std::move(*errors[i])) : group.takeAnswer(next++));
    noteLeftRunning(execution.nodes[i], answers.back());
  }
  return answers;
}

// Passes the output of one node on as it comes, as if the command ran here.
int passOn(Controller& controller, Execution execution) {
  execution.request.output = JobOutput::kTake;
  auto answers = converseWithReachable(controller, execution, [](rpc::JobGroup::News& news) {
    writeOutput(news.out);
    writeErrors(news.err);
  });
  const Answer& answer = answers.front();
  if (const auto* error = std::get_if<muster::NodeError>(&answer)) {
    std::cerr << "muster exec: " << error->what() << "\n";
  } else if (std::get<muster::Result>(answer).outcome.kind() != muster::Outcome::Kind::kExited) {
    std::cerr << "muster exec: " << execution.nodes.front().name << ": " << endingOf(answer)
              << "\n";
  }
  return statusOf(answer);
}

enum class Show { kGathered, kPrefixed };

// Shows the output of all nodes when they have ended.
int showAll(Controller& controller, Execution execution, Show show) {
  execution.request.output = JobOutput::kTake;
  execution.request.options.stderrTo = muster::StderrTo::kStdout;
  std::vector<NodeAnswer> shown(execution.nodes.size());
  auto answers = converseWithReachable(controller, execution, [&shown](rpc::JobGroup::News& news) {
    shown[news.node].output.append(news.out);
  });
  for (size_t i = 0; i < shown.size(); ++i) {
    shown[i].node = execution.nodes[i].name;
    shown[i].ending = endingOf(answers[i]);
  }
  (show == Show::kPrefixed ? showPrefixed : showGathered)(shown, writeOutput);
  return statusOf(answers);
}

int printAnswers(Controller& controller, Execution execution, const std::string& runId) {
  execution.request.heldBytesMax = kJsonBytesMax;
  auto answers = converseWithReachable(controller, execution, [](rpc::JobGroup::News&) {});
  Json list = Json::array();
  for (size_t i = 0; i < answers.size(); ++i) {
    list.push_back(answerJson(execution.nodes[i], answers[i]));
  }
  printJson({{"run", runId}, {"nodes", std::move(list)}});
  return statusOf(answers);
}

// Passes on what happens as it happens. The output is not in the last line of a node again.
int printEvents(Controller& controller, Execution execution) {
  execution.request.output = JobOutput::kTake;
  auto say = [](const Json& line) { writeOutput(jsonText(line, Layout::kLine)); };
  auto answers = converseWithReachable(controller, execution, [&](rpc::JobGroup::News& news) {
    const std::string& node = execution.nodes[news.node].name;
    if (news.pid != 0) say({{"node", node}, {"pid", news.pid}});
    if (!news.out.empty()) say({{"node", node}, {"stdout", std::move(news.out)}});
    if (!news.err.empty()) say({{"node", node}, {"stderr", std::move(news.err)}});
  });
  for (size_t i = 0; i < answers.size(); ++i) {
    Json line = answerJson(execution.nodes[i], answers[i]);
    line.erase("stdout");
    line.erase("stderr");
    say(line);
  }
  return statusOf(answers);
}

// Returns when a command is over for sure, counted from its beginning. Saturates.
std::chrono::nanoseconds timeOf(std::chrono::nanoseconds deadline) {
  return deadline > std::chrono::nanoseconds::max() - kEndMargin ? std::chrono::nanoseconds::max()
                                                                 : deadline + kEndMargin;
}

// Starts the command and leaves it alone. Nobody reads its output, so that the oldest goes.
int detach(Execution execution, const std::string& runId) {
  execution.request.options.lifetime = muster::CommandLifetime::kDetached;
  execution.request.options.overflow = muster::OutputOverflow::kKeepTail;
  auto started = rpc::startOnAll(execution.connected, execution.request,
                                 std::chrono::steady_clock::now() + execution.connectTimeout);
  int status = 0;
  for (size_t i = 0; i < started.size(); ++i) {
    std::cout << execution.nodes[i].name << ": ";
    if (const auto* error = std::get_if<muster::NodeError>(&started[i])) {
      std::cout << muster::toString(error->kind()) << ": " << error->detail() << "\n";
      status = kExitUnavailable;
      continue;
    }
    const auto& job = std::get<rpc::StartedJob>(started[i]);
    std::cout << (job.outcome ? muster::toString(*job.outcome)
                              : "started as pid " + std::to_string(job.pid))
              << "\n";
    if (job.outcome && status != kExitUnavailable) {
      status = std::max(status, statusOf(*job.outcome));
    }
  }
  std::cerr << "muster exec: the commands belong to run " << runId
            << ": see muster ps, and muster kill --run-id " << runId << "\n";
  return status;
}

JobRequest requestOf(const Arguments& arguments) {
  JobRequest request;
  request.argv = arguments.rest();
  // What is detached has no deadline unless it is asked for.
  bool isDetached = arguments[kDetach] && !arguments.has(kTimeout);
  request.options.deadline = isDetached ? std::chrono::nanoseconds::max() : arguments[kTimeout];
  request.options.user = arguments[kUser];
  request.options.directory = arguments[kDirectory];
  for (const std::string& variable : arguments[kEnvironment]) {
    size_t equals = variable.find('=');
    request.options.environment[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  if (arguments[kInput]) request.input = JobInput::kStream;
  return request;
}

void requireFitting(const Arguments& arguments) {
  if (arguments.rest().empty()) {
    throw CommandError(kExitUsage,
                       "a command is missing: muster exec NODESET -- COMMAND [ARGUMENT...]");
  }
  if (arguments[kInput] && arguments.has(kFanOut)) {
    throw CommandError(kExitUsage,
                       "--input and --fanout: input goes to all nodes at once, so leave one out");
  }
  if (arguments[kEvents] && (arguments[kJson] || arguments[kPrefix])) {
    throw CommandError(kExitUsage, "--events is a form of the output of its own: leave out " +
                                       (arguments[kJson] ? kJson : kPrefix).spelling());
  }
  if (!arguments[kDetach]) return;
  if (arguments.has(kFanOut)) {
    throw CommandError(kExitUsage,
                       "--detach and --fanout: nobody waits for the command, so leave one out");
  }
  for (const Flag* flag : {&kInput, &kPrefix, &kEvents, &kJson}) {
    if (!arguments[*flag]) continue;
    throw CommandError(kExitUsage, "--detach and " + flag->spelling() +
                                       ": nobody waits for the command, so leave one out");
  }
}

int run(const Arguments& arguments) {
  requireFitting(arguments);
  std::string runId = chooseRunId(arguments[kRunId]);
  Execution execution;
  execution.request = requestOf(arguments);
  execution.input = arguments[kInput] ? PassInput::kYes : PassInput::kNo;
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  execution.nodes = chooseNodes(cluster, arguments.word(0));
  execution.whyGone = [option = arguments[kCluster], name = cluster.name] {
    return whyGone(option, name);
  };
  execution.connectTimeout = arguments[kConnectTimeout];
  Connections connections(execution.nodes, runId);
  execution.connected = connections.nodes();
  Controller& controller = connections.controller();
  if (arguments[kDetach]) return detach(std::move(execution), runId);
  size_t count = execution.nodes.size();
  execution.fanOut = arguments.has(kFanOut) ? static_cast<size_t>(arguments[kFanOut]) : count;
  execution.time = timeOf(*execution.request.options.deadline);
  if (arguments[kEvents]) return printEvents(controller, std::move(execution));
  if (arguments[kJson]) return printAnswers(controller, std::move(execution), runId);
  if (arguments[kPrefix]) return showAll(controller, std::move(execution), Show::kPrefixed);
  if (execution.nodes.size() > 1) return showAll(controller, std::move(execution), Show::kGathered);
  return passOn(controller, std::move(execution));
}

}  // namespace

const Command kExec = {
    .name = "exec",
    .usage = "NODESET -- COMMAND [ARGUMENT...]",
    .summary = "run a command on nodes",
    .options =
        [] {
          return OptionList{
              &kCluster, &kTimeout, &kConnectTimeout, &kUser,   &kDirectory, &kEnvironment, &kRunId,
              &kInput,   &kDetach,  &kFanOut,         &kPrefix, &kEvents,    &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .rest = Rest::kSeparate,
    .completes = WordKind::kNodes,
    .notes = kNotes,
};

}  // namespace harness
