// query: SQL on the index of the runs.
#include <algorithm>
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"
#include "harness/cli/run_choice.h"
#include "harness/cli/table.h"
#include "harness/history/read_only_query.h"

namespace harness {
namespace {

constexpr Flag kCsv({.name = "csv", .help = "print comma-separated values, as RFC 4180 has them"});

constexpr CountOption kRows(
    {
        .name = "rows",
        .value = "NUMBER",
        .help = "the number of rows at most",
        .initial = "1000",
    },
    {.least = 1, .most = 100'000'000});

constexpr DurationOption kQueryTimeLimit = timeLimitOption("60s", "how long the query may take");

constexpr char kNotes[] =
    R"(The tables are runs, counts, components, tests, results and failures, and the
view history joins them; docs/reference/history.md describes each. They can be
read and not be changed. If there are more rows than --rows, standard error
says so.

  muster query "SELECT test, count(*) FROM history WHERE outcome = 'failed'
                GROUP BY test ORDER BY 2 DESC"
)";

std::string csvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string csvOf(const std::vector<std::vector<std::string>>& lines) {
  std::string text;
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) text += (i == 0 ? "" : ",") + csvField(line[i]);
    text += "\r\n";
  }
  return text;
}

Json jsonOf(const history::Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return *number;
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return nullptr;
}

Json jsonOf(const history::QueryResult& result) {
  Json rows = Json::array();
  for (const auto& row : result.rows) {
    Json& line = rows.emplace_back(Json::array());
    for (const history::Value& value : row) line.push_back(jsonOf(value));
  }
  return {{"columns", result.columns}, {"rows", std::move(rows)}, {"more", result.isCut}};
}

std::vector<std::vector<std::string>> linesOf(const history::QueryResult& result) {
  std::vector<std::vector<std::string>> lines = {result.columns};
  for (const auto& row : result.rows) {
    std::vector<std::string>& line = lines.emplace_back();
    for (const history::Value& value : row) line.push_back(history::textOf(value));
  }
  return lines;
}

int perform(const Arguments& arguments) {
  if (arguments[kJson] && arguments[kCsv]) {
    throw CommandError(kExitUsage, "--json and --csv exclude each other");
  }
  history::QueryLimits limits{.rowsMost = static_cast<size_t>(arguments[kRows]),
                              .timeMost = arguments[kQueryTimeLimit]};
  history::QueryResult result;
  withRuns(arguments, [&](history::RunIndex& index) {
    result = history::query(index.path(), arguments.word(0), limits);
  });
  if (arguments[kJson]) {
    printJson(jsonOf(result));
  } else {
    std::cout << (arguments[kCsv] ? csvOf(linesOf(result)) : table(linesOf(result)));
  }
  if (result.isCut) {
    std::cerr << "muster query: only the first " << limits.rowsMost
              << " rows are shown; --rows asks for more\n";
  }
  return kExitOk;
}

}  // namespace

const Command kQuery = {
    .name = "query",
    .usage = "SQL",
    .summary = "ask the index of the runs by SQL",
    .options =
        [] {
          return OptionList{&kRunsDirectory, &kRows, &kQueryTimeLimit, &kCsv, &kJson};
        },
    .run = perform,
    .wordsLeast = 1,
    .wordsMost = 1,
    .notes = kNotes,
};

}  // namespace harness
