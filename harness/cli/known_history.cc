#include "harness/cli/known_history.h"

#include <filesystem>
#include <functional>

#include "harness/history/pass_streak.h"
#include "harness/history/run_index.h"
#include "harness/history/typical_times.h"
#include "harness/os/error.h"
#include "harness/run/run_directory.h"

namespace harness {
namespace {

// Returns why `work` was not done.
std::string withHistory(const std::function<void(history::Database&)>& work) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(run::kRunsDirectory, ignored)) {
    return std::string("there are no runs in ./") + run::kRunsDirectory;
  }
  try {
    history::withIndex(run::kRunsDirectory,
                       [&](history::RunIndex& index) { work(index.database()); });
    return "";
  } catch (const history::DatabaseError& error) {
    return std::string("the history cannot be read: ") + error.what();
  } catch (const SystemError& error) {
    return std::string("the history cannot be read: ") + error.what();
  }
}

}  // namespace

KnownTimes knownTimes(const std::vector<std::string>& tests) {
  KnownTimes times;
  times.problem = withHistory([&](history::Database& database) {
    times.seconds = history::typicalSeconds(database, tests);
  });
  return times;
}

KnownPasses knownPasses(const std::vector<std::string>& tests) {
  KnownPasses passes;
  passes.problem = withHistory(
      [&](history::Database& database) { passes.passes = history::passesInARow(database, tests); });
  return passes;
}

}  // namespace harness
