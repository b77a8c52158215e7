// kill: ends jobs on the nodes.
#include <iostream>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/job_words.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/rpc/job/jobs.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr TextOption kOnNodes({
    .name = "nodes",
    .value = "NODESET",
    .help = "only on these nodes",
    .initial = "@*",
    .completes = WordKind::kNodes,
});

constexpr DurationOption kGrace(
    {
        .name = "grace",
        .value = "TIME",
        .help = "how long to wait between SIGTERM and SIGKILL",
        .initial = "2s",
    },
    {.least = std::chrono::nanoseconds(0)});

constexpr DurationOption kTimeLimit =
    timeLimitOption("30s", "how long to wait until everything has ended");

constexpr char kNotes[] =
    R"(JOB is a name as `muster ps` shows it. Every process of the jobs gets SIGTERM,
and SIGKILL after --grace. A job that has ended already is no error, so the
command may be repeated. An operator can end the jobs of its own identity, an
admin those of everybody.

Exit status: 0 if no process of the jobs runs any more; 1 if one does, or if it
is not ours to end; 69 if a node could not be asked.
)";

constexpr int kStatusRemains = 1;

// Prints the effect on one node.
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
              << support::printable(ended.reasons[i]) << "\n";
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

int report(const Arguments& arguments, const Answers<JobsEnded>& answers,
           const std::vector<std::string>& unknown) {
  bool remains = false;
  for (const auto& [node, ended] : answers.given) remains = remains || !ended.remaining.empty();
  if (arguments[kJson]) {
    printJson(endedJson(answers, unknown));
  } else {
    for (const auto& [node, ended] : answers.given) printEnded(node.name, ended);
    for (const std::string& word : unknown) {
      std::cerr << "muster kill: no node knows job " << word << "; it may have ended already\n";
    }
    complain(arguments.command(), answers.errors);
  }
  if (!answers.errors.empty()) return kExitUnavailable;
  return remains ? kStatusRemains : kExitOk;
}

// Finds the jobs that the words name. Their listing's new errors go to `answers`.
ChosenJobs findJobs(const Arguments& arguments, const Reachable& reachable,
                    Answers<JobsEnded>& answers) {
  JobFilter all;
  all.wanted = JobsWanted::kAll;
  Answers<JobListing> known = listJobs(reachable, all, arguments[kConnectTimeout]);
  answers.errors.assign(known.errors.begin() + static_cast<long>(reachable.errors.size()),
                        known.errors.end());
  return chooseJobs(arguments.words(), jobsOf(known));
}

int run(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  JobFilter filter = filterOf(arguments);
  if (words.empty() == filter.labels.empty()) {
    throw CommandError(kExitUsage, words.empty()
                                       ? "say what to end: --run-id ID, --label NAME=VALUE, or jobs"
                                       : "either jobs, or --run-id and --label");
  }
  // Refuses a word that is no job before any node is asked.
  chooseJobs(words, {});
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments[kOnNodes]);
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, arguments[kConnectTimeout]);
  ChosenJobs chosen;
  Answers<JobsEnded> answers;
  if (!words.empty()) {
    chosen = findJobs(arguments, reachable, answers);
    filter.only = chosen.names;
  }
  answers.errors.insert(answers.errors.end(), reachable.errors.begin(), reachable.errors.end());
  if (words.empty() || !filter.only.empty()) {
    auto until = std::chrono::steady_clock::now() + arguments[kTimeLimit];
    answers.take(reachable.nodes,
                 rpc::endJobs(reachable.connected, filter, arguments[kGrace], until));
  }
  return report(arguments, answers, chosen.unknown);
}

}  // namespace

const Command kKill = {
    .name = "kill",
    .usage = "--run-id ID | --label NAME=VALUE | JOB...",
    .summary = "end jobs with all their processes",
    .options =
        [] {
          return OptionList{&kCluster, &kOfRun,     &kLabel,          &kOnNodes,
                            &kGrace,   &kTimeLimit, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsMost = 1000,
    .completes = WordKind::kJobs,
    .notes = kNotes,
};

}  // namespace harness
