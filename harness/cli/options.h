// The options that several commands of `muster` have: each is declared here once, so that one word
// means one thing. A command's own options stand in its file.
#pragma once

#include "harness/cli/option.h"
#include "harness/cluster/run_id.h"

namespace harness {

inline constexpr TextOption kCluster({
    .name = "cluster",
    .value = "NAME|FILE",
    .help = "the cluster, by its name or its file; by default $MUSTER_CLUSTER, else the only "
            "cluster that is up",
    .completes = WordKind::kClusters,
});

inline constexpr Flag kJson({.name = "json", .help = "print the result as JSON"});

// The runs that `muster` looks through.
inline constexpr TextOption kRunsDirectory({
    .name = "runs-dir",
    .value = "DIRECTORY",
    .help = "where the runs are",
    .initial = "muster-runs",
    .completes = WordKind::kDirectories,
});

// The run to which the things belong that a command starts.
inline constexpr TextOption kRunId({
    .name = "run-id",
    .value = "ID",
    .help = "the run to which all that is started belongs; by default $MUSTER_RUN_ID, else a new "
            "one",
    .problem = runIdProblem,
    .completes = WordKind::kRuns,
});

// The run by which a command selects jobs.
inline constexpr TextOption kOfRun({
    .name = "run-id",
    .value = "ID",
    .help = "only jobs of this run",
    .problem = runIdProblem,
    .completes = WordKind::kRuns,
});

// Says why a value of --label is wrong.
std::string labelProblem(const std::string& label);

inline constexpr ListOption kLabel({
    .name = "label",
    .value = "NAME=VALUE",
    .help = "only jobs with this label; may be given several times",
    .problem = labelProblem,
});

inline constexpr ListOption kNodeFiles({
    .name = "file",
    .value = "PATTERN",
    .help = "files of the nodes, with *, ? and [...]; may be given several times",
});

// `initial` is how long a command waits if nothing else is asked for.
constexpr DurationOption connectTimeoutOption(const char* initial) {
  return DurationOption({
      .name = "connect-timeout",
      .value = "TIME",
      .help = "how long to wait for a connection to a node",
      .initial = initial,
  });
}

inline constexpr DurationOption kConnectTimeout = connectTimeoutOption("5s");

inline constexpr TextOption kUser({
    .name = "user",
    .letter = 'u',
    .value = "NAME",
    .help = "run as this user of the node; by default as the agent's, root",
});

// The limit of a whole command, as opposed to --timeout, the deadline of a command on a node.
constexpr DurationOption timeLimitOption(const char* initial, const char* help) {
  return DurationOption({.name = "time-limit", .value = "TIME", .help = help, .initial = initial});
}

}  // namespace harness
