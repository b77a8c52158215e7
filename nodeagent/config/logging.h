// Applies the options that concern the log.
#pragma once

#include "nodeagent/config/options.h"
#include "schema/support/base/log.h"

namespace nodeagent {

support::LogOptions logOptionsOf(const Options& options, const char* process);

// Applies the options. `process` is "keeper" or "front". A second call opens the file again. Throws
// as support::configureLog does.
void startLog(const Options& options, const char* process);

}  // namespace nodeagent
