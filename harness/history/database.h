// Owns connections to SQLite and statements of them. It knows no table: those are of
// index_tables.h.
//
//   Statement statement(database, "SELECT name FROM tests WHERE test = ?");
//   statement.bind(1, number);
//   while (statement.step()) use(statement.text(0));
//
// A Statement must go before its Database. Neither is used by two threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace harness::history {

// SQLite refused a call. The text has the file, the attempt and the reason.
class DatabaseError : public std::runtime_error {
 public:
  enum class Kind {
    // The file is none of SQLite, or its content is damaged: it must be made again.
    kDamaged,
    // Another process has written for longer than this one waits: try again.
    kBusy,
    // The statement is wrong, or is not allowed.
    kRefused,
    // The file cannot be read or written.
    kFailed,
  };

  DatabaseError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

class Database {
 public:
  enum class Access {
    // The file is made if it is missing.
    kReadAndWrite,
    kReadOnly,
  };

  // A call waits for other processes for ten seconds at most. Throws DatabaseError.
  Database(const std::string& path, Access access);

  // Runs statements without results.
  void execute(const std::string& statements);

  // Runs `work` in one transaction, which no other one precedes. What it throws undoes it.
  void transaction(const std::function<void()>& work);

  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_.get(); }

  // Throws DatabaseError of the last call, which returned `code`.
  [[noreturn]] void fail(int code, const std::string& attempt) const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

class Statement {
 public:
  // Throws DatabaseError, also if there is more than one statement in `text`.
  Statement(Database& database, std::string_view text);

  // Values of the parameters, from 1. Texts are copied.
  void bind(int parameter, int64_t value);
  void bind(int parameter, double value);
  void bind(int parameter, std::string_view value);

  // Moves to the next row. False: there is none.
  bool step();

  // Runs a statement without rows, which can be bound anew then.
  void run();

  // Make it ready to be bound and run again.
  void reset();

  // The columns of the row, from 0. Null is 0 and the empty text.
  int64_t number(int column) const;
  double real(int column) const;
  std::string text(int column) const;

  sqlite3_stmt* handle() const { return handle_.get(); }

 private:
  struct Finalise {
    void operator()(sqlite3_stmt* handle) const;
  };

  void check(int code) const;

  Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalise> handle_;
};

}  // namespace harness::history
