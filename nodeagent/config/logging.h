// Applies the options that concern the log.
#pragma once

#include "nodeagent/config/options.h"
#include "schema/support/base/log.h"

namespace nodeagent {

support::LogOptions logOptionsOf(const Options& options, const char* process);

// `process` is "keeper" or "front". May be called again; opens the file again. Throws as
// support::configureLog.
void startLog(const Options& options, const char* process);

}  // namespace nodeagent
