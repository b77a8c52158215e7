#include "harness/cli/good_runs.h"

#include <algorithm>
#include <exception>
#include <filesystem>

#include "harness/history/index_queries.h"
#include "harness/history/run_index.h"
#include "harness/os/files.h"
#include "harness/run/fields.h"
#include "harness/run/run_directory.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

// A test that was green for long has many runs, and the first that kept lines is enough.
constexpr size_t kCandidatesMax = 5;

// The most runs that are kept in memory.
constexpr size_t kKnownMax = 8;

bool isCompared(const run::TestResult& test) {
  return !run::isGreen(test.outcome) && test.outcome != run::Outcome::kNotRun &&
         test.outcome != run::Outcome::kCancelled;
}

const run::TestResult* testOf(const run::RunResult& result, const std::string& id) {
  auto found = std::find_if(result.tests.begin(), result.tests.end(),
                            [&](const run::TestResult& test) { return test.id() == id; });
  return found == result.tests.end() ? nullptr : &*found;
}

fs::path runsBeside(const std::string& run) {
  std::error_code error;
  return fs::weakly_canonical(fs::absolute(run, error), error).parent_path();
}

// Returns CLOCK_REALTIME at the begin of a run, from the first line of each of its records; 0: it
// has none.
int64_t beginOf(const fs::path& directory) {
  int64_t begin = 0;
  fs::path records = directory / run::kRecordsDirectory;
  for (const std::string& name : namesIn(records)) {
    run::Json header = run::RecordFile::headerOf(records / name);
    int64_t wall = run::numberOf<int64_t>(header, "wall", 0);
    if (wall > 0 && (begin == 0 || wall < begin)) begin = wall;
  }
  return begin;
}

}  // namespace

// A directory that nobody has made for runs gets no index.
std::vector<std::string> GoodRuns::indexedRunsOf(const std::string& test) {
  fs::path runs = runsBeside(run_.directory);
  std::error_code ignored;
  bool isOfRuns =
      runs.filename() == run::kRunsDirectory || fs::exists(runs / history::kIndexFile, ignored);
  if (!isOfRuns) return {};
  std::vector<std::string> found;
  history::withIndex(runs.string(), [&](history::RunIndex& index) {
    found = history::greenRunsOf(index.database(), test, run_.wall, kCandidatesMax);
  });
  for (std::string& id : found) id = (runs / id).string();
  return found;
}

const std::vector<std::string>& GoodRuns::earlierRuns() {
  if (earlier_) return *earlier_;
  std::vector<std::pair<int64_t, std::string>> all;
  fs::path runs = runsBeside(run_.directory);
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(runs, error)) {
    bool isRun =
        !entry.is_symlink(error) && fs::is_directory(entry.path() / run::kRecordsDirectory, error);
    if (!isRun) continue;
    int64_t begin = beginOf(entry.path());
    if (begin > 0 && begin < run_.wall) all.emplace_back(begin, entry.path().string());
  }
  std::sort(all.rbegin(), all.rend());
  earlier_.emplace();
  for (auto& [begin, directory] : all) {
    if (earlier_->size() < kCandidatesMax) earlier_->push_back(std::move(directory));
  }
  return *earlier_;
}

std::vector<std::string> GoodRuns::candidatesFor(const std::string& test) {
  try {
    std::vector<std::string> indexed = indexedRunsOf(test);
    if (!indexed.empty()) return indexed;
  } catch (const std::exception&) {
    // Another process may hold the index, or the disk may be full: the runs are there all the same.
  }
  return earlierRuns();
}

const GoodRuns::Known* GoodRuns::knownRun(const std::string& directory) {
  auto found = known_.find(directory);
  if (found == known_.end()) {
    if (known_.size() >= kKnownMax) known_.clear();
    std::optional<Known> known;
    try {
      known.emplace(Known{.record = run::readRun(directory)});
      known->result = run::resultOf(known->record);
    } catch (const std::exception&) {
      // A run that cannot be read is none to compare with.
      known.reset();
    }
    found = known_.emplace(directory, std::move(known)).first;
  }
  return found->second ? &*found->second : nullptr;
}

std::optional<report::NewLines> GoodRuns::newLinesOf(const run::TestResult& test) {
  if (!isCompared(test)) return std::nullopt;
  report::LogPatterns failed = logPatternsOf(run_, test, report::Attempts::kNotGreen);
  if (failed.lines == 0) return std::nullopt;
  for (const std::string& directory : candidatesFor(test.id())) {
    const Known* known = knownRun(directory);
    const run::TestResult* earlier = known ? testOf(known->result, test.id()) : nullptr;
    if (earlier == nullptr) continue;
    report::LogPatterns green = logPatternsOf(known->record, *earlier, report::Attempts::kGreen);
    if (green.lines == 0) continue;
    report::NewLines found = report::newLinesOf(failed, green);
    found.comparedWith = known->record.id;
    return found;
  }
  return std::nullopt;
}

}  // namespace harness
