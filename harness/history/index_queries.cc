#include "harness/history/index_queries.h"

namespace harness::history {
namespace {

// SQLite's own word for no limit.
int64_t limitOf(size_t most) {
  return most == 0 ? -1 : static_cast<int64_t>(most);
}

std::string versionOf(const ResultRow& row, const std::string& product) {
  if (row.isDirty || (row.revision.empty() && product.empty())) return "run " + row.run;
  return row.revision + "\n" + product;
}

void takeCounts(RunRow& row, int64_t run, Statement& counts) {
  counts.bind(1, run);
  while (counts.step()) row.counts[counts.text(0)] = static_cast<size_t>(counts.number(1));
  counts.reset();
}

}  // namespace

std::vector<RunRow> runsOf(Database& database, size_t most) {
  std::vector<RunRow> rows;
  Statement counts(database, "SELECT outcome, tests FROM counts WHERE run = ?");
  Statement statement(database,
                      "SELECT run, id, began, seconds, state, problem, exit, tests, revision,"
                      " branch, dirty, product, command, pinned IS NOT NULL, pinned"
                      " FROM runs ORDER BY began DESC, id DESC LIMIT ?");
  statement.bind(1, limitOf(most));
  while (statement.step()) {
    RunRow row{.id = statement.text(1),
               .began = statement.number(2),
               .seconds = statement.real(3),
               .state = runStateOf(statement.text(4)),
               .problem = statement.text(5),
               .exitStatus = static_cast<int>(statement.number(6)),
               .tests = static_cast<size_t>(statement.number(7)),
               .revision = statement.text(8),
               .branch = statement.text(9),
               .isDirty = statement.number(10) != 0,
               .product = statement.text(11),
               .command = statement.text(12)};
    if (statement.number(13) != 0) row.pin = statement.text(14);
    takeCounts(row, statement.number(0), counts);
    rows.push_back(std::move(row));
  }
  return rows;
}

size_t countRuns(Database& database) {
  Statement statement(database, "SELECT count(*) FROM runs");
  return statement.step() ? static_cast<size_t>(statement.number(0)) : 0;
}

std::vector<std::string> greenRunsOf(Database& database, const std::string& test, int64_t began,
                                     size_t most) {
  std::vector<std::string> ids;
  Statement statement(database,
                      "SELECT run FROM history WHERE test = ? AND began < ?"
                      " AND outcome IN ('passed', 'flaky', 'unexpectedly passed')"
                      " ORDER BY began DESC, run DESC LIMIT ?");
  statement.bind(1, test);
  statement.bind(2, began);
  statement.bind(3, limitOf(most));
  while (statement.step()) ids.push_back(statement.text(0));
  return ids;
}

std::vector<std::string> testsOf(Database& database) {
  std::vector<std::string> ids;
  Statement statement(database, "SELECT id FROM tests ORDER BY id");
  while (statement.step()) ids.push_back(statement.text(0));
  return ids;
}

std::vector<ResultRow> resultsOf(Database& database, const std::string& test) {
  std::vector<ResultRow> rows;
  Statement statement(
      database,
      "SELECT runs.id, began, state, outcome, because, results.seconds, attempts, mixed, revision,"
      " dirty, product, text, place FROM results JOIN runs USING (run)"
      " LEFT JOIN failures ON failures.run = results.run AND failures.test = results.test"
      " AND failures.number = 1"
      " WHERE results.test = (SELECT test FROM tests WHERE id = ?) AND state <> 'running'"
      " ORDER BY began, runs.id");
  statement.bind(1, test);
  while (statement.step()) {
    ResultRow row{.run = statement.text(0),
                  .began = statement.number(1),
                  .state = runStateOf(statement.text(2)),
                  .because = statement.text(4),
                  .seconds = statement.real(5),
                  .attempts = static_cast<size_t>(statement.number(6)),
                  .isMixed = statement.number(7) != 0,
                  .revision = statement.text(8),
                  .isDirty = statement.number(9) != 0,
                  .failure = statement.text(11),
                  .place = statement.text(12)};
    row.outcome = run::outcomeOf(statement.text(3)).value_or(run::Outcome::kNotRun);
    row.version = versionOf(row, statement.text(10));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<PresentRun> presenceOf(Database& database, const std::string& test) {
  std::vector<PresentRun> runs;
  Statement statement(
      database,
      "SELECT runs.id, components.tests, results.run IS NOT NULL FROM tests"
      " JOIN components ON components.component = tests.component"
      " JOIN runs ON runs.run = components.run"
      " LEFT JOIN results ON results.test = tests.test AND results.run = components.run"
      " WHERE tests.id = ? AND state <> 'running' ORDER BY began, runs.id");
  statement.bind(1, test);
  while (statement.step()) {
    runs.push_back({.run = statement.text(0),
                    .presence = {.hasTest = statement.number(2) != 0,
                                 .tests = static_cast<size_t>(statement.number(1))}});
  }
  return runs;
}

std::vector<FailureOf> firstFailuresOf(Database& database, size_t newestRuns) {
  std::vector<FailureOf> failures;
  Statement statement(database,
                      "SELECT newest.id, tests.id, text, failures.file, failures.line FROM"
                      " (SELECT run, id, began FROM runs ORDER BY began DESC, id DESC LIMIT ?)"
                      " AS newest JOIN failures USING (run) JOIN tests USING (test)"
                      " WHERE number = 1 ORDER BY newest.began, newest.id, tests.id");
  statement.bind(1, limitOf(newestRuns));
  while (statement.step()) {
    failures.push_back({.run = statement.text(0),
                        .test = statement.text(1),
                        .text = statement.text(2),
                        .file = statement.text(3),
                        .line = static_cast<int>(statement.number(4))});
  }
  return failures;
}

}  // namespace harness::history
