// What the commands share that list something of the nodes which their first word names.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/connections.h"
#include "harness/cli/options.h"

namespace harness {

// Connects to the nodes of the first word, by default all, and returns what `ask` does with those
// that can be reached in time. Takes kCluster and kConnectTimeout.
template <typename Ask>
auto askChosen(const Arguments& arguments, const Ask& ask) {
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0, "@*"));
  Connections connections(nodes, chooseRunId(""));
  return ask(reach(connections, nodes, arguments[kConnectTimeout]));
}

// Prints `list` as the member `name` of a JSON object with the errors, or `table` if --json was not
// given, and complains of the errors. Returns the exit status: 69 if there are errors.
int showListing(const Arguments& arguments, const char* name, Json list, const std::string& table,
                const std::vector<muster::NodeError>& errors);

}  // namespace harness
