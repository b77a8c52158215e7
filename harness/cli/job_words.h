// The words for jobs on the command line: which are meant, and how they are shown.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/cli/table.h"
#include "harness/rpc/job/job_listing.h"

namespace harness {

// The labels that `--run ID` and `--label NAME=VALUE` ask for. CommandError with kExitUsage.
std::map<std::string, std::string> wantedLabels(const std::string& run,
                                                const std::vector<std::string>& labels);

// What jobs named on the command line are.
struct ChosenJobs {
  std::vector<JobName> names;
  std::vector<std::string> unknown;  // Words for which there is no job.
};

// Each word is "SESSION.NUMBER" as `ps` shows it, SESSION cut anywhere. CommandError with
// kExitUsage if it is not, with kExitData if it fits several jobs.
ChosenJobs chooseJobs(const std::vector<std::string>& words, const std::vector<JobInfo>& known);

// "running", "exited with status 3", "exited with status 0, left 2 processes".
std::string stateText(const JobInfo& job);

// With a head; commands cut at `commandBytesMax`.
std::string jobTable(const std::vector<JobInfo>& jobs, size_t commandBytesMax);

Json jobJson(const JobInfo& job);

}  // namespace harness
