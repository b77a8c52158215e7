#include "harness/cli/answers.h"

#include <iostream>

#include "harness/cli/job_words.h"
#include "harness/cli/options.h"
#include "harness/rpc/job/jobs.h"

namespace harness {

Json errorsJson(const std::vector<muster::NodeError>& errors) {
  Json list = Json::array();
  for (const auto& error : errors) {
    list.push_back({{"node", error.node()},
                    {"kind", muster::toString(error.kind())},
                    {"detail", error.detail()}});
  }
  return list;
}

void complain(const Command& command, const std::vector<muster::NodeError>& errors) {
  for (const auto& error : errors) {
    std::cerr << "muster " << command.name << ": " << error.what() << "\n";
  }
}

void printErrors(const Arguments& arguments, const std::vector<muster::NodeError>& errors) {
  if (arguments[kJson]) printJson({{"errors", errorsJson(errors)}});
  complain(arguments.command(), errors);
}

Reachable reach(Connections& connections, const std::vector<NodeDescription>& nodes,
                std::chrono::nanoseconds timeout) {
  Reachable reachable;
  auto errors = connections.controller().awaitAll(connections.nodes(),
                                                  std::chrono::steady_clock::now() + timeout);
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (errors[i]) {
      reachable.errors.push_back(*errors[i]);
    } else {
      reachable.nodes.push_back(nodes[i]);
      reachable.connected.push_back(connections.nodes()[i]);
    }
  }
  return reachable;
}

Answers<JobListing> listJobs(const Reachable& reachable, const JobFilter& filter,
                             std::chrono::nanoseconds timeout) {
  Answers<JobListing> answers;
  answers.errors = reachable.errors;
  answers.take(reachable.nodes, rpc::listJobs(reachable.connected, filter,
                                              std::chrono::steady_clock::now() + timeout));
  return answers;
}

std::vector<JobInfo> jobsOf(const Answers<JobListing>& answers) {
  std::vector<JobInfo> jobs;
  for (const auto& [node, listing] : answers.given) {
    jobs.insert(jobs.end(), listing.jobs.begin(), listing.jobs.end());
  }
  return jobs;
}

JobFilter filterOf(const Arguments& arguments) {
  JobFilter filter;
  filter.labels = wantedLabels(arguments[kOfRun], arguments[kLabel]);
  return filter;
}

}  // namespace harness
