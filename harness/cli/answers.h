// The answers of a command's nodes to one question, and the errors of those that gave none.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "harness/cli/arguments.h"
#include "harness/cli/connections.h"
#include "harness/cli/table.h"
#include "harness/rpc/job/job_listing.h"

namespace harness {

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

Json errorsJson(const std::vector<muster::NodeError>& errors);

// A line on standard error for each.
void complain(const Command& command, const std::vector<muster::NodeError>& errors);

// Does so for a command that has no result, and prints `{errors}` if it was asked for JSON.
void printErrors(const Arguments& arguments, const std::vector<muster::NodeError>& errors);

// The nodes to which there is a connection within `timeout`; the others are in `errors`.
struct Reachable {
  std::vector<NodeDescription> nodes;
  std::vector<ControllerNode*> connected;
  std::vector<muster::NodeError> errors;
};

Reachable reach(Connections& connections, const std::vector<NodeDescription>& nodes,
                std::chrono::nanoseconds timeout);

// The jobs that `filter` selects. The errors of `reachable` are among those of the answers.
Answers<JobListing> listJobs(const Reachable& reachable, const JobFilter& filter,
                             std::chrono::nanoseconds timeout);

std::vector<JobInfo> jobsOf(const Answers<JobListing>& answers);

// The jobs that --run-id and --label select.
JobFilter filterOf(const Arguments& arguments);

}  // namespace harness
