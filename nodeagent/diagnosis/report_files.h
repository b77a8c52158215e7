// Finds the files that sanitizers write where the option log_path says.
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include "nodeagent/diagnosis/found_crash.h"

namespace nodeagent::diagnosis {

// Returns the reports whose paths are one of `prefixes`, a dot and more, that were written after
// `sinceRealtimeNs`. At most kReportsMax, each with the beginning of its text.
constexpr size_t kReportsMax = 64;
std::vector<FoundCrash> findReports(const std::vector<std::string>& prefixes,
                                    int64_t sinceRealtimeNs);

}  // namespace nodeagent::diagnosis
