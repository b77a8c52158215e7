#include "harness/history/index_tables.h"

namespace harness::history {
namespace {

// What SQLite keeps in a file for the program that it belongs to: "mstr".
constexpr int64_t kApplication = 0x6d737472;

// The results of one test lie beside each other, so that its history is one piece of the file.
// Failures that are equal are found by `normalised` and `place`.
constexpr char kTables[] = R"(
CREATE TABLE runs (
  run INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  began INTEGER NOT NULL,
  seconds REAL NOT NULL,
  state TEXT NOT NULL,
  problem TEXT NOT NULL,
  exit INTEGER NOT NULL,
  tests INTEGER NOT NULL,
  revision TEXT NOT NULL,
  branch TEXT NOT NULL,
  dirty INTEGER NOT NULL,
  product TEXT NOT NULL,
  muster TEXT NOT NULL,
  host TEXT NOT NULL,
  command TEXT NOT NULL,
  pinned TEXT,
  fingerprint TEXT NOT NULL
);
CREATE INDEX runs_by_time ON runs (began, id);

CREATE TABLE counts (
  run INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  tests INTEGER NOT NULL,
  PRIMARY KEY (run, outcome)
) WITHOUT ROWID;

CREATE TABLE components (
  component TEXT NOT NULL,
  run INTEGER NOT NULL,
  tests INTEGER NOT NULL,
  PRIMARY KEY (component, run)
) WITHOUT ROWID;
CREATE INDEX components_by_run ON components (run);

CREATE TABLE tests (
  test INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  component TEXT NOT NULL,
  suite TEXT NOT NULL,
  name TEXT NOT NULL,
  file TEXT NOT NULL,
  line INTEGER NOT NULL
);

CREATE TABLE results (
  test INTEGER NOT NULL,
  run INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  because TEXT NOT NULL,
  seconds REAL NOT NULL,
  attempts INTEGER NOT NULL,
  mixed INTEGER NOT NULL,
  PRIMARY KEY (test, run)
) WITHOUT ROWID;
CREATE INDEX results_by_run ON results (run);

CREATE TABLE failures (
  run INTEGER NOT NULL,
  test INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  repeat INTEGER NOT NULL,
  number INTEGER NOT NULL,
  text TEXT NOT NULL,
  normalised TEXT NOT NULL,
  file TEXT NOT NULL,
  line INTEGER NOT NULL,
  place TEXT NOT NULL,
  infrastructure INTEGER NOT NULL,
  PRIMARY KEY (run, test, attempt, repeat, number)
) WITHOUT ROWID;
CREATE INDEX failures_by_test ON failures (test, run);
CREATE INDEX failures_by_text ON failures (normalised, place);

CREATE VIEW history AS
  SELECT tests.id AS test, runs.id AS run, runs.began, results.outcome, results.because,
         results.seconds, results.attempts, results.mixed, runs.revision, runs.dirty, runs.product
  FROM results JOIN runs USING (run) JOIN tests USING (test);
)";

int64_t pragma(Database& database, const char* name) {
  Statement statement(database, std::string("PRAGMA ") + name);
  return statement.step() ? statement.number(0) : 0;
}

}  // namespace

bool hasTables(Database& database) {
  return pragma(database, "application_id") == kApplication &&
         pragma(database, "user_version") == kTablesVersion;
}

// The version comes with the tables or not at all.
void makeTables(Database& database) {
  database.transaction([&] {
    database.execute(kTables);
    database.execute("PRAGMA application_id = " + std::to_string(kApplication));
    database.execute("PRAGMA user_version = " + std::to_string(kTablesVersion));
  });
}

}  // namespace harness::history
