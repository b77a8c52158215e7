// Runs a statement that somebody has typed on the index, and lets it read and nothing else.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace harness::history {

// Null, a whole number, a number, or a text.
using Value = std::variant<std::monostate, int64_t, double, std::string>;

struct QueryResult {
  std::vector<std::string> columns = {};
  std::vector<std::vector<Value>> rows = {};

  // There were more rows than were asked for.
  bool isCut = false;
};

struct QueryLimits {
  size_t rowsMost = 1000;
  std::chrono::nanoseconds timeMost = std::chrono::seconds(60);
};

// Runs one statement on the index at `path`, which must have been made. The connection is one for
// reading only; besides, SQLite asks us about each action, and all but reading tables, calling
// functions, and the PRAGMAs that describe tables are refused. So the text can attach no other file
// and load no extension. Throws DatabaseError with kRefused for such a text, for one that is wrong,
// and for one that takes longer than the limit.
QueryResult query(const std::string& path, std::string_view text, const QueryLimits& limits);

// Returns the text of a value; empty: null.
std::string textOf(const Value& value);

}  // namespace harness::history
