#include "harness/cli/run_choice.h"

#include <filesystem>

#include "harness/cli/options.h"
#include "harness/history/test_choice.h"
#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/run/run_directory.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

int statusOf(const history::DatabaseError& error) {
  switch (error.kind()) {
    case history::DatabaseError::Kind::kBusy:
      return kExitTryAgain;
    case history::DatabaseError::Kind::kRefused:
      return kExitUsage;
    case history::DatabaseError::Kind::kDamaged:
    case history::DatabaseError::Kind::kFailed:
      break;
  }
  return kExitCannotCreate;
}

// Runs of --runs-dir come before those of the working directory, which findRun() knows.
std::string runIn(const fs::path& runs, const std::string& text) {
  std::error_code ignored;
  if (text.empty() || fs::is_directory(runs / text / run::kRecordsDirectory, ignored)) return text;
  std::string found;
  for (const std::string& id : namesIn(runs)) {
    if (!id.starts_with(text)) continue;
    if (!found.empty()) return text;
    found = id;
  }
  return found.empty() ? text : found;
}

}  // namespace

void translated(const std::function<void()>& work) {
  try {
    work();
  } catch (const history::DatabaseError& error) {
    throw CommandError(statusOf(error), error.what());
  }
}

void withRuns(const Arguments& arguments, const std::function<void(history::RunIndex&)>& work) {
  std::string directory = arguments[kRunsDirectory];
  std::error_code ignored;
  if (!fs::is_directory(directory, ignored)) {
    throw CommandError(kExitNoInput, "there is no directory of runs " +
                                         support::printable(fs::absolute(directory).string()) +
                                         "; a run makes ./" + run::kRunsDirectory +
                                         ", and --runs-dir names another one");
  }
  translated([&] { history::withIndex(directory, work); });
}

std::string runDirectoryFor(const Arguments& arguments, const std::string& text) {
  try {
    if (!arguments.has(kRunsDirectory)) return run::findRun(text);
    fs::path runs = arguments[kRunsDirectory];
    return run::findRun((runs / runIn(runs, text)).string());
  } catch (const SystemError& error) {
    throw CommandError(kExitNoInput, error.what());
  }
}

std::string testFor(const std::vector<std::string>& known, const std::string& text) {
  history::TestChoice choice = history::chooseTest(known, text);
  if (choice.test.empty()) throw CommandError(kExitNoInput, choice.problem);
  return choice.test;
}

}  // namespace harness
