#include "harness/history/indexed_run.h"

#include <sys/stat.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <set>

#include "harness/os/files.h"
#include "harness/run/results.h"
#include "harness/run/run_directory.h"
#include "harness/run/run_record.h"
#include "schema/support/base/text.h"

namespace harness::history {
namespace {

using run::Json;

constexpr size_t kTextBytesMax = 4096;
constexpr size_t kFailuresMax = 20;

std::string bounded(const std::string& text) {
  return std::string(support::beginningOf(text, kTextBytesMax));
}

// Records are files, and somebody else may have written them: no field need have its type.
std::string textOf(const Json& fields, const char* name) {
  auto found = fields.find(name);
  if (found == fields.end() || found->is_null()) return "";
  return bounded(found->is_string() ? found->get<std::string>() : found->dump());
}

const run::Item* itemOf(const run::RecordFile& file, std::string_view kind) {
  for (const run::Item& item : file.items()) {
    if (item.kind == kind) return &item;
  }
  return nullptr;
}

std::string commandOf(const Json& fields) {
  auto found = fields.find("command");
  if (found == fields.end() || !found->is_array()) return "";
  std::string text;
  for (const Json& word : *found) {
    if (!word.is_string()) continue;
    text += (text.empty() ? "" : " ") + word.get<std::string>();
  }
  return bounded(text);
}

void takeRunItem(const run::RecordFile& file, IndexedRun& indexed) {
  const run::Item* item = itemOf(file, "run");
  if (item == nullptr) return;
  Json fields = file.fields(*item);
  if (indexed.command.empty()) indexed.command = commandOf(fields);
  auto git = fields.find("git");
  if (!indexed.revision.empty() || git == fields.end() || !git->is_object()) return;
  indexed.revision = textOf(*git, "revision");
  indexed.branch = textOf(*git, "branch");
  auto dirty = git->find("dirty");
  indexed.isDirty = dirty != git->end() && dirty->is_boolean() && dirty->get<bool>();
}

// Returns "kvd 4.2-1, libkv4 4.2-1".
std::string packagesOf(const Json& fields) {
  auto product = fields.find("product");
  if (product == fields.end() || !product->is_object()) return textOf(fields, "product");
  std::string text;
  for (const auto& [name, version] : product->items()) {
    text += (text.empty() ? "" : ", ") + name + " " + textOf(*product, name.c_str());
  }
  return bounded(text);
}

// Nodes that have the same packages are one product.
std::string productOf(const run::RunRecord& record) {
  std::set<std::string> products;
  for (const run::RecordFile& file : record.files) {
    for (const run::Item& item : file.items()) {
      if (item.kind != "node") continue;
      std::string product = packagesOf(file.fields(item));
      if (!product.empty()) products.insert(product);
    }
  }
  std::string text;
  for (const std::string& product : products) text += (text.empty() ? "" : "; ") + product;
  return bounded(text);
}

bool hasFailed(run::Outcome outcome) {
  using enum run::Outcome;
  return outcome == kFailed || outcome == kCrashed || outcome == kTimedOut ||
         outcome == kInfrastructure;
}

std::string reasonOf(const run::Attempt& attempt) {
  std::string word(run::wordOf(attempt.outcome));
  return attempt.because.empty() ? word : word + ": " + attempt.because;
}

std::vector<IndexedFailure> failuresOf(const run::TestResult& test) {
  std::vector<IndexedFailure> failures;
  auto add = [&](const run::Attempt& attempt, const run::Failure& failure) {
    if (failures.size() >= kFailuresMax) return;
    failures.push_back({.attempt = attempt.number,
                        .repeat = attempt.repeat,
                        .text = bounded(failure.text),
                        .file = failure.file,
                        .line = failure.line,
                        .isInfrastructure = failure.isInfrastructure});
  };
  for (const run::Attempt& attempt : test.attempts) {
    for (const run::Failure& failure : attempt.failures) add(attempt, failure);
    if (!attempt.failures.empty() || !hasFailed(attempt.outcome)) continue;
    bool isInfrastructure = attempt.outcome == run::Outcome::kInfrastructure;
    add(attempt, {.text = reasonOf(attempt), .isInfrastructure = isInfrastructure});
  }
  return failures;
}

IndexedResult resultOf(const run::TestResult& test) {
  bool passed = false;
  bool failed = false;
  for (const run::Attempt& attempt : test.attempts) {
    passed = passed || attempt.outcome == run::Outcome::kPassed;
    bool isOfNodes = attempt.outcome == run::Outcome::kInfrastructure;
    failed = failed || (hasFailed(attempt.outcome) && !isOfNodes);
  }
  return {.test = test.id(),
          .component = test.component,
          .suite = test.suite,
          .name = test.name,
          .file = test.file,
          .line = test.line,
          .outcome = std::string(run::wordOf(test.outcome)),
          .because = bounded(test.because),
          .seconds = test.deciding().seconds,
          .attempts = test.attempts.size(),
          .isMixed = passed && failed,
          .failures = failuresOf(test)};
}

void read(const std::string& directory, IndexedRun& indexed) {
  run::RunRecord record = run::readRun(directory);
  if (record.wall > 0) indexed.began = record.wall;
  for (const run::RecordFile& file : record.files) takeRunItem(file, indexed);
  indexed.product = productOf(record);
  indexed.muster = textOf(record.files.front().header(), "muster");
  indexed.host = textOf(record.files.front().header(), "host");
  run::RunResult result = run::resultOf(record);
  indexed.seconds = static_cast<double>(result.length) / 1e9;
  indexed.exitStatus = result.exitStatus;
  for (const run::TestResult& test : result.tests) indexed.results.push_back(resultOf(test));
  if (record.isRunning) {
    indexed.state = RunState::kRunning;
  } else if (!record.problems.empty()) {
    indexed.state = RunState::kDamaged;
    for (const std::string& problem : record.problems) {
      indexed.problem += (indexed.problem.empty() ? "" : "; ") + problem;
    }
    indexed.problem = bounded(indexed.problem);
  }
}

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::filesystem::path recordsOf(const std::string& directory) {
  return std::filesystem::path(directory) / run::kRecordsDirectory;
}

}  // namespace

std::string_view wordOf(RunState state) {
  switch (state) {
    case RunState::kRunning:
      return "running";
    case RunState::kDamaged:
      return "damaged";
    case RunState::kEnded:
      break;
  }
  return "ended";
}

RunState runStateOf(std::string_view word) {
  if (word == wordOf(RunState::kRunning)) return RunState::kRunning;
  return word == wordOf(RunState::kDamaged) ? RunState::kDamaged : RunState::kEnded;
}

// A run without a readable time is as old as its records.
IndexedRun indexedRun(const std::string& directory) {
  IndexedRun indexed;
  indexed.id = std::filesystem::path(directory).filename();
  struct stat status {};
  if (::stat(recordsOf(directory).c_str(), &status) == 0) {
    indexed.began = nanoseconds(status.st_mtim);
  }
  try {
    read(directory, indexed);
  } catch (const std::exception& error) {
    indexed.state = RunState::kDamaged;
    indexed.problem = support::printable(error.what());
    indexed.results.clear();
  }
  return indexed;
}

std::string fingerprintOf(const std::string& directory) {
  std::string text;
  for (const std::string& name : namesIn(recordsOf(directory))) {
    struct stat status {};
    if (::stat((recordsOf(directory) / name).c_str(), &status) != 0) continue;
    text += name + ":" + std::to_string(status.st_size) + ":" +
            std::to_string(nanoseconds(status.st_mtim)) + "\n";
  }
  return text;
}

std::optional<std::string> pinOf(const std::string& directory) {
  std::string path = directory + "/" + kPinnedFile;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  std::string reason = bounded(readIfPresent(path));
  while (!reason.empty() && reason.back() == '\n') reason.pop_back();
  return reason;
}

}  // namespace harness::history
