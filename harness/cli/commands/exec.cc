// exec: one command on several nodes at once.
#include <unistd.h>

#include <iostream>
#include <iterator>

#include "harness/cli/clusters.h"
#include "harness/cli/command.h"
#include "harness/cli/connections.h"
#include "harness/cli/gather.h"
#include "harness/cli/table.h"
#include "harness/os/system.h"

namespace harness {
namespace {

constexpr char kFooter[] = R"(
NODESET: names and sets as in server[1-3],client1; @role, @label=value, @* for all; a!b without,
a&b in both, a^b in one of them.

No shell is involved: for pipes and globs, exec sh -c '...'. From several nodes, equal output is
shown once when all have ended, with standard error in its place; from one node it is passed on
as it comes.

Exit status: that of the command, the highest if nodes differ; 128 and the signal's number if one
ended it; 127 if it was not found, 126 if it could not be started; 124 if its time was over. 69 if a
node could not be asked or the outcome is unknown, whatever the others say.
)";

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

// Runs it on one node and passes on what it writes while it writes, as if it ran here.
int passOn(NodeStub& node, const JobRequest& request, std::chrono::nanoseconds patience,
           muster::SteadyTime until) {
  try {
    node.awaitConnected(std::chrono::steady_clock::now() + patience);
    std::unique_ptr<JobStub> job = node.start(request, until);
    size_t out = 0;
    size_t err = 0;
    do {
      job->pull(PullUntil::kChange, until);
      const muster::Result& result = job->result();
      writeAll(STDOUT_FILENO, std::string_view(result.out).substr(out), "to standard output");
      writeAll(STDERR_FILENO, std::string_view(result.err).substr(err), "to standard error");
      out = result.out.size();
      err = result.err.size();
    } while (!job->ended());
    const muster::Outcome& outcome = job->result().outcome;
    job->release();
    if (outcome.kind() != muster::Outcome::Kind::kExited) {
      std::cerr << "muster exec: " << job->node() << ": " << muster::toString(outcome) << "\n";
    }
    return statusOf(outcome);
  } catch (const muster::NodeError& error) {
    std::cerr << "muster exec: " << error.what() << "\n";
    return kExitUnavailable;
  }
}

// Runs it on the nodes that can be reached within `patience`: a node that is down answers with why,
// and delays nobody.
std::vector<Answer> runOnReachable(Connections& connections, const JobRequest& request,
                                   std::chrono::nanoseconds patience, muster::SteadyTime until) {
  auto errors = connections.controller().awaitAll(connections.nodes(),
                                                  std::chrono::steady_clock::now() + patience);
  std::vector<NodeStub*> reachable;
  for (size_t i = 0; i < errors.size(); ++i) {
    if (!errors[i]) reachable.push_back(connections.nodes()[i]);
  }
  std::vector<Answer> ran = connections.controller().runOnAll(reachable, request, until);
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

}  // namespace

int runExec(const Invocation& invocation) {
  cxxopts::Options options = optionsOf(invocation);
  options.add_options()("cluster", "name or file",
                        cxxopts::value<std::string>()->default_value(""))(
      "t,timeout", "time that the command is allowed",
      cxxopts::value<std::string>()->default_value("10m"))(
      "patience", "time to wait for nodes that do not answer",
      cxxopts::value<std::string>()->default_value("5s"))(
      "u,user", "run as this user", cxxopts::value<std::string>()->default_value(""))(
      "C,directory", "run in this directory", cxxopts::value<std::string>()->default_value(""))(
      "run-id", "the run that it belongs to; default: $MUSTER_RUN_ID, else a new one",
      cxxopts::value<std::string>()->default_value(""))("i,input", "give it our standard input")(
      "p,prefix", "every line with its node in front")("json", "as JSON, when all have ended");
  cxxopts::ParseResult arguments = parseArguments(invocation, options, kFooter);
  std::string set = positional(arguments, invocation, 1, 1)[0];
  if (invocation.rest.empty()) {
    throw CommandError(kExitUsage,
                       "a command is missing: muster exec NODESET -- COMMAND [ARGUMENT...]");
  }
  std::string runId = chooseRunId(arguments["run-id"].as<std::string>());
  JobRequest request;
  request.argv = invocation.rest;
  request.options.deadline = durationOption(arguments["timeout"].as<std::string>(), "timeout");
  request.options.user = arguments["user"].as<std::string>();
  request.options.directory = arguments["directory"].as<std::string>();
  if (arguments.count("input") != 0) request.options.input = standardInput();
  ClusterDescription cluster = chooseCluster(arguments["cluster"].as<std::string>());
  std::vector<NodeDescription> nodes = chooseNodes(cluster, set);
  bool asJson = arguments.count("json") != 0;
  bool one = nodes.size() == 1 && arguments.count("prefix") == 0 && !asJson;
  if (!one && !asJson) request.options.errors = muster::Errors::kMerged;
  Connections connections(nodes, runId);
  auto until =
      std::chrono::steady_clock::now() + *request.options.deadline + std::chrono::seconds(15);
  auto patience = durationOption(arguments["patience"].as<std::string>(), "patience");
  if (one) return passOn(*connections.nodes()[0], request, patience, until);
  std::vector<Answer> answers = runOnReachable(connections, request, patience, until);
  Report report = summarize(nodes, answers);
  if (asJson) {
    printJson({{"run", runId}, {"nodes", answersJson(nodes, answers)}});
  } else {
    std::cout << (arguments.count("prefix") != 0 ? prefixed(report.answers)
                                                 : gathered(report.answers));
  }
  return report.unavailable ? static_cast<int>(kExitUnavailable) : report.status;
}

}  // namespace harness
