#include "harness/history/run_index.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "harness/history/failure_clusters.h"
#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/run/run_directory.h"

namespace harness::history {
namespace {

namespace fs = std::filesystem;

bool isDirectory(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// A name that begins with a dot is of a run that is being removed. `latest` is a link.
std::vector<std::string> runsIn(const std::string& directory) {
  std::vector<std::string> ids;
  for (const std::string& name : namesIn(directory)) {
    fs::path path = fs::path(directory) / name;
    if (name.starts_with(".") || !isDirectory(path)) continue;
    if (isDirectory(path / run::kRecordsDirectory)) ids.push_back(name);
  }
  return ids;
}

struct Known {
  std::string fingerprint = {};
  RunState state = RunState::kEnded;
  std::optional<std::string> pin = {};
};

std::map<std::string, Known> knownRuns(Database& database) {
  std::map<std::string, Known> known;
  Statement statement(database,
                      "SELECT id, fingerprint, state, pinned IS NOT NULL, pinned FROM runs");
  while (statement.step()) {
    Known& one = known[statement.text(0)];
    one = {.fingerprint = statement.text(1), .state = runStateOf(statement.text(2))};
    if (statement.number(3) != 0) one.pin = statement.text(4);
  }
  return known;
}

void forget(Database& database, const std::string& id) {
  for (const char* table : {"counts", "components", "results", "failures", "runs"}) {
    Statement statement(database, std::string("DELETE FROM ") + table +
                                      " WHERE run = (SELECT run FROM runs WHERE id = ?)");
    statement.bind(1, id);
    statement.run();
  }
}

// A test of which no run is left is no longer known.
void forgetTests(Database& database) {
  database.execute(
      "DELETE FROM tests WHERE NOT EXISTS"
      " (SELECT 1 FROM results WHERE results.test = tests.test)");
}

void setPin(Database& database, const std::string& id, const std::optional<std::string>& pin) {
  Statement statement(database, pin ? "UPDATE runs SET pinned = ?2 WHERE id = ?1"
                                    : "UPDATE runs SET pinned = NULL WHERE id = ?1");
  statement.bind(1, id);
  if (pin) statement.bind(2, *pin);
  statement.run();
}

int64_t storeRun(Database& database, const IndexedRun& indexed, const std::string& fingerprint) {
  Statement statement(database,
                      "INSERT INTO runs (id, began, seconds, state, problem, exit, tests, revision,"
                      " branch, dirty, product, muster, host, command, fingerprint)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING run");
  statement.bind(1, indexed.id);
  statement.bind(2, indexed.began);
  statement.bind(3, indexed.seconds);
  statement.bind(4, wordOf(indexed.state));
  statement.bind(5, indexed.problem);
  statement.bind(6, int64_t{indexed.exitStatus});
  statement.bind(7, static_cast<int64_t>(indexed.results.size()));
  statement.bind(8, indexed.revision);
  statement.bind(9, indexed.branch);
  statement.bind(10, int64_t{indexed.isDirty});
  statement.bind(11, indexed.product);
  statement.bind(12, indexed.muster);
  statement.bind(13, indexed.host);
  statement.bind(14, indexed.command);
  statement.bind(15, fingerprint);
  statement.step();
  return statement.number(0);
}

void storeCounts(Database& database, int64_t run, const IndexedRun& indexed) {
  std::map<std::string, int64_t> outcomes;
  std::map<std::string, int64_t> components;
  for (const IndexedResult& result : indexed.results) {
    ++outcomes[result.outcome];
    ++components[result.component];
  }
  Statement counts(database, "INSERT INTO counts (run, outcome, tests) VALUES (?, ?, ?)");
  for (const auto& [outcome, tests] : outcomes) {
    counts.bind(1, run);
    counts.bind(2, outcome);
    counts.bind(3, tests);
    counts.run();
  }
  Statement sizes(database, "INSERT INTO components (run, component, tests) VALUES (?, ?, ?)");
  for (const auto& [component, tests] : components) {
    sizes.bind(1, run);
    sizes.bind(2, component);
    sizes.bind(3, tests);
    sizes.run();
  }
}

// Stores the results of one run, each with its test.
class ResultWriter {
 public:
  ResultWriter(Database& database, int64_t run)
      : run_(run),
        find_(database, "SELECT test, file, line FROM tests WHERE id = ?"),
        move_(database, "UPDATE tests SET file = ?, line = ? WHERE id = ? RETURNING test"),
        add_(database,
             "INSERT INTO tests (file, line, id, component, suite, name)"
             " VALUES (?, ?, ?, ?, ?, ?) RETURNING test"),
        result_(
            database,
            "INSERT OR REPLACE INTO results (test, run, outcome, because, seconds, attempts, mixed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"),
        failure_(database,
                 "INSERT OR REPLACE INTO failures (run, test, attempt, repeat, number, text, "
                 "normalised, file,"
                 " line, place, infrastructure) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") {}

  void store(const IndexedResult& result) {
    int64_t test = storeTest(result);
    result_.bind(1, test);
    result_.bind(2, run_);
    result_.bind(3, result.outcome);
    result_.bind(4, result.because);
    result_.bind(5, result.seconds);
    result_.bind(6, static_cast<int64_t>(result.attempts));
    result_.bind(7, int64_t{result.isMixed});
    result_.run();
    int64_t number = 0;
    for (const IndexedFailure& failure : result.failures) storeFailure(test, ++number, failure);
  }

 private:
  // Where a test stands changes seldom.
  int64_t storeTest(const IndexedResult& result) {
    find_.bind(1, result.test);
    bool isKnown = find_.step();
    int64_t test = isKnown ? find_.number(0) : 0;
    bool isSame = isKnown && find_.text(1) == result.file && find_.number(2) == result.line;
    find_.reset();
    if (isSame) return test;
    Statement& change = isKnown ? move_ : add_;
    change.bind(1, result.file);
    change.bind(2, int64_t{result.line});
    change.bind(3, result.test);
    if (!isKnown) {
      change.bind(4, result.component);
      change.bind(5, result.suite);
      change.bind(6, result.name);
    }
    change.step();
    test = change.number(0);
    change.reset();
    return test;
  }

  void storeFailure(int64_t test, int64_t number, const IndexedFailure& failure) {
    failure_.bind(1, run_);
    failure_.bind(2, test);
    failure_.bind(3, int64_t{failure.attempt});
    failure_.bind(4, int64_t{failure.repeat});
    failure_.bind(5, number);
    failure_.bind(6, failure.text);
    failure_.bind(7, normalised(failure.text));
    failure_.bind(8, failure.file);
    failure_.bind(9, int64_t{failure.line});
    failure_.bind(10, placeText(failure.file, failure.line));
    failure_.bind(11, int64_t{failure.isInfrastructure});
    failure_.run();
  }

  int64_t run_;
  Statement find_;
  Statement move_;
  Statement add_;
  Statement result_;
  Statement failure_;
};

}  // namespace

void store(Database& database, const IndexedRun& indexed, const std::string& fingerprint) {
  database.transaction([&] {
    forget(database, indexed.id);
    int64_t run = storeRun(database, indexed, fingerprint);
    storeCounts(database, run, indexed);
    ResultWriter writer(database, run);
    for (const IndexedResult& result : indexed.results) writer.store(result);
  });
}

RunIndex::RunIndex(const std::string& runsDirectory)
    : directory_(isDirectory(fs::path(runsDirectory) / ".")
                     ? runsDirectory
                     : throw SystemError("runs of " + runsDirectory, ENOENT)),
      file_(directory_) {}

// Each run is a transaction of its own, so that others wait for one run only. The fingerprint is
// taken before the records are read: what is written in between is read the next time.
Refreshed RunIndex::refresh() {
  Refreshed done;
  std::map<std::string, Known> known = knownRuns(database());
  for (const std::string& id : runsIn(directory_)) {
    std::string path = (fs::path(directory_) / id).string();
    std::string fingerprint = fingerprintOf(path);
    std::optional<std::string> pin = pinOf(path);
    auto found = known.find(id);
    bool isNew = found == known.end();
    if (isNew || found->second.fingerprint != fingerprint ||
        found->second.state == RunState::kRunning) {
      store(database(), indexedRun(path), fingerprint);
      if (pin) setPin(database(), id, pin);
      ++done.read;
    } else if (found->second.pin != pin) {
      setPin(database(), id, pin);
    }
    if (!isNew) known.erase(found);
  }
  for (const auto& [id, other] : known) {
    database().transaction([&, name = id] { forget(database(), name); });
    ++done.gone;
  }
  if (done.gone > 0) forgetTests(database());
  return done;
}

void withIndex(const std::string& runsDirectory, const std::function<void(RunIndex&)>& work) {
  RunIndex index(runsDirectory);
  try {
    index.refresh();
    work(index);
    return;
  } catch (const DatabaseError& error) {
    if (error.kind() != DatabaseError::Kind::kDamaged) throw;
  }
  index.remake();
  index.refresh();
  work(index);
}

}  // namespace harness::history
