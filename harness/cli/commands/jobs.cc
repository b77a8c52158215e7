// ps, kill: what runs on the nodes, whoever started it.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "harness/cli/clusters.h"
#include "harness/cli/command.h"
#include "harness/cli/connections.h"
#include "harness/cli/job_words.h"
#include "harness/cli/table.h"
#include "schema/support/base/duration.h"

namespace harness {
namespace {

constexpr char kPsFooter[] = R"(
Every job of the nodes is shown, whoever started it: those that run, and those that ended and left
processes. OWNER is the identity that its controller has for the node. --label may be given several
times; jobs that have all of them are shown.

Exit status: 0 if every node answered, 69 if one did not.
)";

constexpr char kKillFooter[] = R"(
JOB is as `muster ps` shows it. What is named is ended with all its processes: SIGTERM, and SIGKILL
after --grace. What has ended already is no error, so the command may be repeated. An operator ends
what its own identity started, an admin everybody's.

Exit status: 0 if nothing of it runs any more; 1 if something does, or is not ours to end; 69 if a
node could not be asked.
)";

constexpr int kStatusRemains = 1;
constexpr size_t kCommandBytesMax = 4096;
constexpr size_t kTableBytesBefore = 72;  // What the other columns take, about.

// Commands are cut where a person reads them, and only there.
size_t commandBytes() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 0 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
    return kCommandBytesMax;
  }
  return std::max<size_t>(size.ws_col, kTableBytesBefore + 20) - kTableBytesBefore;
}

// What every node answered to one question, and who did not.
template <typename T>
struct Answers {
  std::vector<std::pair<NodeDescription, T>> given;
  std::vector<muster::NodeError> errors;

  void take(const std::vector<NodeDescription>& nodes,
            std::vector<std::variant<T, muster::NodeError>> answers) {
    for (size_t i = 0; i < answers.size(); ++i) {
      if (auto* value = std::get_if<T>(&answers[i])) {
        given.emplace_back(nodes[i], std::move(*value));
      } else {
        errors.push_back(std::get<muster::NodeError>(answers[i]));
      }
    }
  }
};

Json errorsJson(const std::vector<muster::NodeError>& errors) {
  Json list = Json::array();
  for (const auto& error : errors) {
    list.push_back({{"node", error.node()},
                    {"kind", muster::toString(error.kind())},
                    {"detail", error.detail()}});
  }
  return list;
}

void complain(const Invocation& invocation, const std::vector<muster::NodeError>& errors) {
  for (const auto& error : errors) {
    std::cerr << "muster " << invocation.command << ": " << error.what() << "\n";
  }
}

// The nodes that can be reached within `patience`; the others are in `errors`.
struct Reachable {
  std::vector<NodeDescription> nodes;
  std::vector<NodeStub*> stubs;
  std::vector<muster::NodeError> errors;
};

Reachable reach(Connections& connections, const std::vector<NodeDescription>& nodes,
                std::chrono::nanoseconds patience) {
  Reachable reachable;
  auto errors = connections.controller().awaitAll(connections.nodes(),
                                                  std::chrono::steady_clock::now() + patience);
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (errors[i]) {
      reachable.errors.push_back(*errors[i]);
    } else {
      reachable.nodes.push_back(nodes[i]);
      reachable.stubs.push_back(connections.nodes()[i]);
    }
  }
  return reachable;
}

std::vector<JobInfo> jobsOf(const Answers<JobListing>& answers) {
  std::vector<JobInfo> jobs;
  for (const auto& [node, listing] : answers.given) {
    jobs.insert(jobs.end(), listing.jobs.begin(), listing.jobs.end());
  }
  return jobs;
}

Answers<JobListing> listOn(Connections& connections, const Reachable& reachable,
                           const JobFilter& filter, std::chrono::nanoseconds patience) {
  Answers<JobListing> answers;
  answers.errors = reachable.errors;
  answers.take(reachable.nodes,
               connections.controller().listJobs(reachable.stubs, filter,
                                                 std::chrono::steady_clock::now() + patience));
  return answers;
}

void addJobOptions(cxxopts::Options& options) {
  options.add_options()("cluster", "name or file",
                        cxxopts::value<std::string>()->default_value(""))(
      "run", "only jobs of this run", cxxopts::value<std::string>()->default_value(""))(
      "label", "only jobs with this label, NAME=VALUE", cxxopts::value<std::vector<std::string>>())(
      "json", "as JSON")("patience", "time to wait for nodes that do not answer",
                         cxxopts::value<std::string>()->default_value("5s"));
}

JobFilter filterOf(const cxxopts::ParseResult& arguments) {
  JobFilter filter;
  std::vector<std::string> labels;
  if (arguments.count("label") != 0) labels = arguments["label"].as<std::vector<std::string>>();
  filter.labels = wantedLabels(arguments["run"].as<std::string>(), labels);
  return filter;
}

std::chrono::nanoseconds graceOf(const std::string& text) {
  std::optional<int64_t> grace = support::durationFromText(text);
  if (grace && *grace >= 0) return std::chrono::nanoseconds(*grace);
  throw CommandError(kExitUsage, "--grace: \"" + text + "\" is not a duration, such as 0s or 5s");
}

// What `kill` did on one node.
void printEnded(const std::string& node, const JobsEnded& ended) {
  auto count = [](uint32_t number, const std::string& one, const std::string& several) {
    return std::to_string(number) + " " + (number == 1 ? one : several);
  };
  if (ended.jobs > 0) {
    std::cout << node << ": " << count(ended.jobs, "job", "jobs") << " with "
              << count(ended.processes, "process", "processes") << " ended\n";
  } else if (ended.remaining.empty()) {
    std::cout << node << ": nothing to end\n";
  }
  for (size_t i = 0; i < ended.remaining.size(); ++i) {
    std::cerr << "muster kill: " << node << ": job " << toString(ended.remaining[i].name) << ": "
              << ended.reasons[i] << "\n";
  }
}

Json endedJson(const Answers<JobsEnded>& answers, const std::vector<std::string>& unknown) {
  Json nodes = Json::array();
  for (const auto& [node, ended] : answers.given) {
    Json remaining = Json::array();
    for (size_t i = 0; i < ended.remaining.size(); ++i) {
      Json job = jobJson(ended.remaining[i]);
      job["reason"] = ended.reasons[i];
      remaining.push_back(std::move(job));
    }
    nodes.push_back({{"node", node.name},
                     {"jobs", ended.jobs},
                     {"processes", ended.processes},
                     {"remaining", std::move(remaining)}});
  }
  return {
      {"nodes", std::move(nodes)}, {"unknown", unknown}, {"errors", errorsJson(answers.errors)}};
}

int report(const Invocation& invocation, const Answers<JobsEnded>& answers,
           const std::vector<std::string>& unknown, bool asJson) {
  bool remains = false;
  for (const auto& [node, ended] : answers.given) remains = remains || !ended.remaining.empty();
  if (asJson) {
    printJson(endedJson(answers, unknown));
  } else {
    for (const auto& [node, ended] : answers.given) printEnded(node.name, ended);
    for (const std::string& word : unknown) {
      std::cerr << "muster kill: no node knows job " << word << ": it ended, or never was\n";
    }
    complain(invocation, answers.errors);
  }
  if (!answers.errors.empty()) return kExitUnavailable;
  return remains ? kStatusRemains : kExitOk;
}

}  // namespace

int runPs(const Invocation& invocation) {
  cxxopts::Options options = optionsOf(invocation);
  addJobOptions(options);
  options.add_options()("a,all", "also jobs that ended and whose outcome nobody has taken yet");
  cxxopts::ParseResult arguments = parseArguments(invocation, options, kPsFooter);
  std::vector<std::string> words = positional(arguments, invocation, 0, 1);
  JobFilter filter = filterOf(arguments);
  if (arguments.count("all") != 0) filter.wanted = JobsWanted::kAll;
  auto patience = durationOption(arguments["patience"].as<std::string>(), "patience");
  ClusterDescription cluster = chooseCluster(arguments["cluster"].as<std::string>());
  std::vector<NodeDescription> nodes = chooseNodes(cluster, words.empty() ? "@*" : words[0]);
  Connections connections(nodes, chooseRunId(""));
  Answers<JobListing> answers =
      listOn(connections, reach(connections, nodes, patience), filter, patience);
  std::vector<JobInfo> jobs = jobsOf(answers);
  if (arguments.count("json") != 0) {
    Json list = Json::array();
    for (const JobInfo& job : jobs) list.push_back(jobJson(job));
    printJson({{"jobs", std::move(list)}, {"errors", errorsJson(answers.errors)}});
  } else {
    std::cout << jobTable(jobs, commandBytes());
  }
  for (const auto& [node, listing] : answers.given) {
    if (listing.truncated) {
      std::cerr << "muster ps: node " << node.name
                << " has more jobs than it lists; ask for those of one --run or --label\n";
    }
  }
  complain(invocation, answers.errors);
  return answers.errors.empty() ? kExitOk : kExitUnavailable;
}

int runKill(const Invocation& invocation) {
  cxxopts::Options options = optionsOf(invocation);
  addJobOptions(options);
  options.add_options()("nodes", "only on these nodes",
                        cxxopts::value<std::string>()->default_value("@*"))(
      "grace", "time between SIGTERM and SIGKILL",
      cxxopts::value<std::string>()->default_value("2s"))(
      "timeout", "time for all of it to end", cxxopts::value<std::string>()->default_value("30s"));
  cxxopts::ParseResult arguments = parseArguments(invocation, options, kKillFooter);
  std::vector<std::string> words = positional(arguments, invocation, 0, 1000);
  JobFilter filter = filterOf(arguments);
  if (words.empty() == filter.labels.empty()) {
    throw CommandError(kExitUsage, words.empty()
                                       ? "say what to end: --run ID, --label NAME=VALUE, or jobs"
                                       : "either jobs, or --run and --label");
  }
  chooseJobs(words, {});  // Refuses what is no job before anybody is asked.
  auto patience = durationOption(arguments["patience"].as<std::string>(), "patience");
  auto grace = graceOf(arguments["grace"].as<std::string>());
  auto timeout = durationOption(arguments["timeout"].as<std::string>(), "timeout");
  ClusterDescription cluster = chooseCluster(arguments["cluster"].as<std::string>());
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments["nodes"].as<std::string>());
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, patience);
  ChosenJobs chosen;
  Answers<JobsEnded> answers;
  if (!words.empty()) {
    JobFilter all;
    all.wanted = JobsWanted::kAll;
    Answers<JobListing> known = listOn(connections, reachable, all, patience);
    answers.errors.assign(known.errors.begin() + static_cast<long>(reachable.errors.size()),
                          known.errors.end());
    chosen = chooseJobs(words, jobsOf(known));
    filter.only = chosen.names;
  }
  answers.errors.insert(answers.errors.end(), reachable.errors.begin(), reachable.errors.end());
  if (words.empty() || !filter.only.empty()) {
    answers.take(reachable.nodes,
                 connections.controller().endJobs(reachable.stubs, filter, grace,
                                                  std::chrono::steady_clock::now() + timeout));
  }
  return report(invocation, answers, chosen.unknown, arguments.count("json") != 0);
}

}  // namespace harness
