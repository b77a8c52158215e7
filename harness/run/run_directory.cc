#include "harness/run/run_directory.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/run/fields.h"
#include "harness/run/record_file.h"
#include "schema/support/base/suggestion.h"
#include "schema/support/base/text.h"

namespace harness::run {
namespace {

namespace fs = std::filesystem;

// A message names this number of runs at most.
constexpr size_t kNamedMax = 5;

bool isRun(const fs::path& directory) {
  std::error_code ignored;
  return fs::is_directory(directory / kRecordsDirectory, ignored);
}

std::vector<std::string> runsIn(const fs::path& directory) {
  std::vector<std::string> ids;
  for (const std::string& name : namesIn(directory)) {
    if (name != kLatestLink && isRun(directory / name)) ids.push_back(name);
  }
  return ids;
}

std::string idOf(const fs::path& record) {
  return textOf(RecordFile::headerOf(record), "run");
}

// The link is replaced as a whole, so that it always leads to a run.
void linkLatest(const fs::path& directory) {
  fs::path link = directory.parent_path() / kLatestLink;
  fs::path made = directory.parent_path() / (".latest-" + std::to_string(::getpid()));
  std::error_code ignored;
  fs::remove(made, ignored);
  fs::create_symlink(directory.filename(), made);
  fs::rename(made, link);
}

std::string newestOf(const std::vector<std::string>& ids) {
  std::string text;
  size_t first = ids.size() > kNamedMax ? ids.size() - kNamedMax : 0;
  for (size_t i = ids.size(); i > first; --i) text += (text.empty() ? "" : ", ") + ids[i - 1];
  return text;
}

}  // namespace

std::string defaultRunDirectory(const std::string& runId) {
  return fs::absolute(fs::path(kRunsDirectory) / runId).string();
}

void makeRunDirectory(const std::string& directory, const std::string& runId) {
  fs::path records = fs::path(directory) / kRecordsDirectory;
  makeDirectories(records);
  for (const std::string& name : namesIn(records)) {
    if (fs::path(name).extension() != ".jsonl") continue;
    std::string other = idOf(records / name);
    // A program that begins at the same time has made its file and not written to it yet.
    if (other == runId || other.empty()) continue;
    throw SystemError("the run directory " + directory + " has the records of run " +
                      support::printable(other) + "; name another one, or remove it");
  }
  if (fs::path(directory).parent_path().filename() == kRunsDirectory) linkLatest(directory);
}

std::string recordPath(const std::string& directory, const std::string& writer) {
  return (fs::path(directory) / kRecordsDirectory / (writer + ".jsonl")).string();
}

std::string findRun(const std::string& text) {
  fs::path runs = kRunsDirectory;
  if (!text.empty()) {
    if (isRun(runs / text)) return fs::canonical(runs / text);
    if (isRun(text)) return fs::canonical(text);
  }
  std::vector<std::string> ids = runsIn(runs);
  std::vector<std::string> found;
  for (const std::string& id : ids) {
    if (!text.empty() && id.starts_with(text)) found.push_back(id);
  }
  if (found.size() == 1) return fs::canonical(runs / found.front());
  std::string what = "run \"" + support::printable(text) + "\": ";
  if (found.size() > 1) throw SystemError(what + "there are several: " + newestOf(found));
  if (ids.empty()) {
    throw SystemError(what + "there is no such directory, and no run in " +
                      fs::absolute(runs).string());
  }
  throw SystemError(what + "neither a directory of a run nor one in " +
                    fs::absolute(runs).string() + support::suggestion(text, ids) +
                    "; the newest are " + newestOf(ids));
}

}  // namespace harness::run
