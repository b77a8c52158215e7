// The words for jobs on the command line: which jobs they mean, and how jobs are shown.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/cli/table.h"
#include "harness/rpc/job/job_listing.h"

namespace harness {

// The labels that `--run-id ID` (empty: not given) and `--label NAME=VALUE` ask for.
std::map<std::string, std::string> wantedLabels(const std::string& run,
                                                const std::vector<std::string>& labels);

// The jobs that words of the command line name.
struct ChosenJobs {
  std::vector<JobName> names;
  // Words for which there is no job.
  std::vector<std::string> unknown;
};

// Finds the jobs among `known`. Each word is "SESSION.NUMBER" as `ps` shows it, where SESSION may
// be any beginning of the session's id. Throws CommandError with kExitUsage for another word, and
// with kExitData for a word that fits several jobs.
ChosenJobs chooseJobs(const std::vector<std::string>& words, const std::vector<JobInfo>& known);

// "running", "exited with status 3", "exited with status 0, left 2 processes".
std::string stateText(const JobInfo& job);

// A table with a head. Commands are cut at `commandBytesMax`.
std::string jobTable(const std::vector<JobInfo>& jobs, size_t commandBytesMax);

Json jobJson(const JobInfo& job);

}  // namespace harness
