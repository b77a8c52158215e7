// The words for logs on the command line: which sources are meant, how lines are shown, and the
// file that keeps marks.
#pragma once

#include <string>
#include <vector>

#include <muster/log_slice.h>

#include "harness/cli/table.h"
#include "harness/cluster/cluster_logs.h"

namespace harness {

// Returns the sources of --file, --unit and --container, in this order. Throws CommandError with
// kExitUsage for a path that is not absolute.
std::vector<muster::LogSource> sourcesOf(const std::vector<std::string>& files,
                                         const std::vector<std::string>& units,
                                         const std::vector<std::string>& containers);

// Say which logs of a cluster file every test watches, and by which rules: a line for each, and an
// object of lists.
std::string clusterLogsText(const ClusterLogs& logs);
Json clusterLogsJson(const ClusterLogs& logs);

// Returns "server1 /var/log/kvd.log: text", made printable, with a newline.
std::string lineText(const muster::LogLine& line);
Json lineJson(const muster::LogLine& line);
std::string noteText(const muster::LogNote& note);
Json noteJson(const muster::LogNote& note);

// Marks as the text of a file, and back. `path` stands in the errors: CommandError with kExitData
// for a text that is none.
std::string marksText(const std::string& cluster, const std::vector<muster::LogMark>& marks);
std::vector<muster::LogMark> readMarks(const std::string& text, const std::string& path);

}  // namespace harness
