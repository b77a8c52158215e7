#include "nodeagent/config/logging.h"

#include "schema/support/base/log.h"

namespace nodeagent {

support::LogOptions logOptionsOf(const Options& options, const char* process) {
  support::LogOptions log;
  std::string level = options.logLevel == "warning" ? "warn" : options.logLevel;
  log.level = support::levelFromText(level).value_or(support::Level::kInfo);
  log.file = options.logFile;
  log.program = std::string("nodeagent[") + process + "]";
  return log;
}

void startLog(const Options& options, const char* process) {
  support::configureLog(logOptionsOf(options, process));
}

}  // namespace nodeagent
