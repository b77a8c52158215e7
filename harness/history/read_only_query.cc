#include "harness/history/read_only_query.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include <sqlite3.h>

#include "harness/history/database.h"

namespace harness::history {
namespace {

// The number of SQLite's instructions between two looks at the clock: about a millisecond of them.
constexpr int kInstructions = 100'000;

// A row with a value of a gigabyte is no result for a person.
constexpr int kValueBytesMax = 16 << 20;

bool describesTables(const char* pragma) {
  constexpr std::array<const char*, 5> kDescribing = {"table_info", "table_xinfo", "table_list",
                                                      "index_list", "index_info"};
  return pragma != nullptr &&
         std::any_of(kDescribing.begin(), kDescribing.end(),
                     [&](const char* known) { return std::strcmp(known, pragma) == 0; });
}

// For SQLITE_FUNCTION, the name is the second of the texts.
int authorise(void*, int action, const char* one, const char* other, const char*, const char*) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION:
      return other != nullptr && std::strcmp(other, "load_extension") == 0 ? SQLITE_DENY
                                                                           : SQLITE_OK;
    case SQLITE_PRAGMA:
      return describesTables(one) ? SQLITE_OK : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

using Clock = std::chrono::steady_clock;

int isOverdue(void* deadline) {
  return Clock::now() > *static_cast<Clock::time_point*>(deadline) ? 1 : 0;
}

Value valueAt(const Statement& statement, int column) {
  switch (sqlite3_column_type(statement.handle(), column)) {
    case SQLITE_NULL:
      return std::monostate();
    case SQLITE_INTEGER:
      return statement.number(column);
    case SQLITE_FLOAT:
      return statement.real(column);
    default:
      return statement.text(column);
  }
}

}  // namespace

QueryResult query(const std::string& path, std::string_view text, const QueryLimits& limits) {
  Database database(path, Database::Access::kReadOnly);
  Clock::time_point deadline = Clock::now() + limits.timeMost;
  sqlite3_limit(database.handle(), SQLITE_LIMIT_LENGTH, kValueBytesMax);
  sqlite3_set_authorizer(database.handle(), authorise, nullptr);
  sqlite3_progress_handler(database.handle(), kInstructions, isOverdue, &deadline);
  Statement statement(database, text);
  QueryResult result;
  int columns = sqlite3_column_count(statement.handle());
  for (int i = 0; i < columns; ++i) {
    result.columns.emplace_back(sqlite3_column_name(statement.handle(), i));
  }
  while (statement.step()) {
    if (result.rows.size() == limits.rowsMost) {
      result.isCut = true;
      break;
    }
    std::vector<Value>& row = result.rows.emplace_back();
    for (int i = 0; i < columns; ++i) row.push_back(valueAt(statement, i));
  }
  return result;
}

std::string textOf(const Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  const auto* real = std::get_if<double>(&value);
  if (real == nullptr) return "";
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.15g", *real);
  return buffer;
}

}  // namespace harness::history
