// ps: lists the jobs on the nodes.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/job_words.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"

namespace harness {
namespace {

constexpr Flag kEnded({
    .name = "all",
    .letter = 'a',
    .help = "also jobs that have ended, as far as the nodes remember them",
});

constexpr char kNotes[] =
    R"(Jobs of every controller are shown: those that run, and those that ended and
left processes running. OWNER is the identity that a job's controller has for
the node. RAN is how long the command has run, up to its end if it ended.

Exit status: 0 if every node answered, 69 if one did not.
)";

constexpr size_t kCommandBytesMax = 4096;
// The width, about, that the other columns take.
constexpr size_t kTableBytesBefore = 72;

// Commands are cut only for a terminal, where a long line would hide the table.
size_t commandBytes() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 0 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
    return kCommandBytesMax;
  }
  return std::max<size_t>(size.ws_col, kTableBytesBefore + 20) - kTableBytesBefore;
}

void print(const std::vector<JobInfo>& jobs, const Answers<JobListing>& answers,
           const Arguments& arguments) {
  if (!arguments[kJson]) {
    std::cout << jobTable(jobs, commandBytes());
    return;
  }
  Json list = Json::array();
  for (const JobInfo& job : jobs) list.push_back(jobJson(job));
  printJson({{"jobs", std::move(list)}, {"errors", errorsJson(answers.errors)}});
}

int run(const Arguments& arguments) {
  JobFilter filter = filterOf(arguments);
  if (arguments[kEnded]) filter.wanted = JobsWanted::kAll;
  auto timeout = arguments[kConnectTimeout];
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0, "@*"));
  Connections connections(nodes, chooseRunId(""));
  Answers<JobListing> answers = listJobs(reach(connections, nodes, timeout), filter, timeout);
  print(jobsOf(answers), answers, arguments);
  for (const auto& [node, listing] : answers.given) {
    if (listing.truncated) {
      std::cerr << "muster ps: node " << node.name
                << " has more jobs than it lists; select some by --run-id or --label\n";
    }
  }
  complain(arguments.command(), answers.errors);
  return answers.errors.empty() ? kExitOk : kExitUnavailable;
}

}  // namespace

const Command kPs = {
    .name = "ps",
    .usage = "[NODESET]",
    .summary = "list the jobs on the nodes, whichever controller started them",
    .options =
        [] { return OptionList{&kCluster, &kOfRun, &kLabel, &kEnded, &kConnectTimeout, &kJson}; },
    .run = run,
    .wordsMost = 1,
    .completes = WordKind::kNodes,
    .notes = kNotes,
};

}  // namespace harness
