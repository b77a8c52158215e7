#include "harness/history/database.h"

#include <sqlite3.h>

namespace harness::history {
namespace {

constexpr int kBusyMilliseconds = 10'000;

DatabaseError::Kind kindOf(int code) {
  switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return DatabaseError::Kind::kDamaged;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return DatabaseError::Kind::kBusy;
    case SQLITE_ERROR:
    case SQLITE_AUTH:
    // What SQLite returns instead where an authorizer keeps it from reading its own tables.
    case SQLITE_SCHEMA:
    case SQLITE_READONLY:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
    case SQLITE_INTERRUPT:
      return DatabaseError::Kind::kRefused;
    default:
      return DatabaseError::Kind::kFailed;
  }
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}

Database::Database(const std::string& path, Access access) : path_(path) {
  int flags = access == Access::kReadOnly ? SQLITE_OPEN_READONLY
                                          : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(code, "open it");
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  sqlite3_extended_result_codes(handle, 1);
}

void Database::execute(const std::string& statements) {
  int code = sqlite3_exec(handle(), statements.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code, "run \"" + statements.substr(0, 60) + "\"");
}

// The writer's lock is taken at once: one that is wanted in the middle could be refused at once.
void Database::transaction(const std::function<void()>& work) {
  execute("BEGIN IMMEDIATE");
  try {
    work();
    execute("COMMIT");
  } catch (...) {
    // An error may have ended the transaction already, and then there is nothing to undo.
    sqlite3_exec(handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

void Database::fail(int code, const std::string& attempt) const {
  std::string reason = handle_ ? sqlite3_errmsg(handle()) : sqlite3_errstr(code);
  throw DatabaseError(kindOf(code), "index " + path_ + ": " + attempt + ": " + reason);
}

void Statement::Finalise::operator()(sqlite3_stmt* handle) const {
  sqlite3_finalize(handle);
}

Statement::Statement(Database& database, std::string_view text) : database_(database) {
  sqlite3_stmt* handle = nullptr;
  const char* rest = nullptr;
  int code = sqlite3_prepare_v2(database.handle(), text.data(), static_cast<int>(text.size()),
                                &handle, &rest);
  handle_.reset(handle);
  std::string shown(text.substr(0, 200));
  if (code != SQLITE_OK) database.fail(code, "read \"" + shown + "\"");
  std::string_view more = text.substr(static_cast<size_t>(rest - text.data()));
  bool isOne = more.find_first_not_of(" \t\r\n;") == std::string_view::npos;
  if (handle == nullptr || !isOne) {
    throw DatabaseError(DatabaseError::Kind::kRefused,
                        "\"" + shown + "\" is not one statement, such as SELECT * FROM runs");
  }
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) database_.fail(code, "bind a value");
}

void Statement::bind(int parameter, int64_t value) {
  check(sqlite3_bind_int64(handle(), parameter, value));
}

void Statement::bind(int parameter, double value) {
  check(sqlite3_bind_double(handle(), parameter, value));
}

void Statement::bind(int parameter, std::string_view value) {
  check(sqlite3_bind_text(handle(), parameter, value.data(), static_cast<int>(value.size()),
                          SQLITE_TRANSIENT));
}

bool Statement::step() {
  int code = sqlite3_step(handle());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  database_.fail(code, "run a statement");
}

void Statement::run() {
  step();
  reset();
}

// What a reset returns is the error of the last step, which step() has thrown.
void Statement::reset() {
  sqlite3_reset(handle());
}

int64_t Statement::number(int column) const {
  return sqlite3_column_int64(handle(), column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(handle(), column);
}

std::string Statement::text(int column) const {
  const unsigned char* bytes = sqlite3_column_text(handle(), column);
  auto size = static_cast<size_t>(sqlite3_column_bytes(handle(), column));
  return bytes == nullptr ? "" : std::string(reinterpret_cast<const char*>(bytes), size);
}

}  // namespace harness::history
