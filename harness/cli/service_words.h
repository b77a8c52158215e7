// The words for services on the command line: signals, and how services are shown.
#pragma once

#include <string>
#include <vector>

#include "harness/cli/answers.h"
#include "harness/cli/table.h"
#include "harness/rpc/service/services.h"

namespace harness {

// Reads "KILL", "SIGKILL" or "9", and says what is wrong with another word; empty for a right one.
int signalOf(const std::string& word);
std::string signalProblem(const std::string& word);

// A table with a head, and below it the last lines of the log of each service that has failed.
std::string serviceTable(const Answers<muster::ServiceStatus>& answers,
                         const rpc::ServiceName& name);

// `user` is left out of a service of the node itself.
Json serviceJson(const NodeDescription& node, const rpc::ServiceName& name,
                 const muster::ServiceStatus& status);

}  // namespace harness
