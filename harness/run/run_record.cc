#include "harness/run/run_record.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/run/fields.h"

namespace harness::run {
namespace {

std::string roleOf(const RecordFile& file) {
  return textOf(file.header(), "role");
}

int rankOf(const RecordFile& file) {
  std::string role = roleOf(file);
  if (role == "runner") return 0;
  if (role == "crash") return 2;
  return role == "nested" ? 3 : 1;
}

// Files of one boot share a clock that never jumps. Others have only the wall clock.
int64_t beginOf(const RunRecord& run, const RecordFile& file) {
  const RecordFile& first = run.files.front();
  bool isSameClock = first.boot() == file.boot() && first.clock() > 0 && file.clock() > 0;
  return isSameClock ? file.clock() - first.clock() : file.wall() - first.wall();
}

// Returns the names of files that were cut, and of whose end the runner has told.
std::set<std::string> explained(const RunRecord& run) {
  std::set<std::string> names;
  const RecordFile* runner = run.runner();
  if (runner == nullptr) return names;
  for (const Item& item : runner->items()) {
    if (item.kind != "program" || item.state != Item::State::kEnded) continue;
    RecordLine fields = runner->plainFields(item);
    if (!fields.text("because").empty()) names.insert(fields.text("writer"));
  }
  return names;
}

// A program whose file the runner has announced must have one.
void findMissing(RunRecord& run) {
  const RecordFile* runner = run.runner();
  if (runner == nullptr) return;
  std::set<std::string> known = explained(run);
  for (const Item& item : runner->items()) {
    if (item.kind != "program" || item.begunAt == Item::kNever) continue;
    std::string name = runner->plainFields(item).text("writer");
    bool isOver = item.state == Item::State::kEnded || item.state == Item::State::kAborted;
    if (name.empty() || !isOver || run.find(name) >= 0 || known.contains(name)) continue;
    run.problems.push_back(name + ": the program has left no record");
  }
}

}  // namespace

bool tellsOfOthers(const RecordFile& file) {
  return roleOf(file) == "runner" || roleOf(file) == "crash";
}

bool isNested(const RecordFile& file) {
  return roleOf(file) == "nested";
}

const RecordFile* RunRecord::runner() const {
  return !files.empty() && roleOf(files.front()) == "runner" ? &files.front() : nullptr;
}

int64_t RunRecord::timeOf(const RecordFile& file, int64_t at) const {
  return at == Item::kNever ? at : beginOf(*this, file) + at;
}

int RunRecord::find(const std::string& name) const {
  auto found = std::find_if(files.begin(), files.end(),
                            [&](const RecordFile& file) { return file.name() == name; });
  return found == files.end() ? -1 : static_cast<int>(found - files.begin());
}

RunRecord readRun(const std::string& directory) {
  RunRecord run;
  run.directory = directory;
  std::filesystem::path records = std::filesystem::path(directory) / "records";
  for (const std::string& name : namesIn(records)) {
    if (std::filesystem::path(name).extension() != ".jsonl") continue;
    run.files.push_back(RecordFile::read(records / name));
  }
  if (run.files.empty()) throw SystemError("read the records in " + records.string(), ENOENT);
  std::stable_sort(run.files.begin(), run.files.end(), [](const auto& one, const auto& other) {
    return rankOf(one) != rankOf(other) ? rankOf(one) < rankOf(other) : one.wall() < other.wall();
  });
  std::set<std::string> known = explained(run);
  for (const RecordFile& file : run.files) {
    run.isRunning = run.isRunning || file.ending() == RecordFile::Ending::kRunning;
    // A test may kill the programs that it starts.
    if (isNested(file)) continue;
    for (const std::string& problem : file.problems()) {
      run.problems.push_back(file.name() + ": " + problem);
    }
    if (!file.cut().empty() && !known.contains(file.name())) {
      run.problems.push_back(file.name() + ": " + file.cut());
    }
  }
  run.wall = run.files.front().wall();
  run.id = textOf(run.files.front().header(), "run");
  findMissing(run);
  return run;
}

}  // namespace harness::run
