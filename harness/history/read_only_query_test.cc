// A statement of somebody else reads the index, and can do nothing else.
#include "harness/history/read_only_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/history/database.h"
#include "harness/history/made_runs_testing.h"
#include "harness/history/run_index.h"

namespace harness::history {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class QueryTest : public ::testing::Test {
 protected:
  QueryTest() {
    for (const char* id : {"r1", "r2", "r3"}) runs_.add({.id = id, .tests = {{}}});
    withIndex(runs_.path(), [](RunIndex&) {});
  }

  QueryResult ask(const std::string& text, const QueryLimits& limits = {}) {
    return query(runs_.path() + "/" + kIndexFile, text, limits);
  }

  std::string refusal(const std::string& text) {
    try {
      ask(text);
    } catch (const DatabaseError& error) {
      return error.kind() == DatabaseError::Kind::kRefused ? error.what() : "of another kind";
    }
    return "";
  }

  MadeRuns runs_;
};

TEST_F(QueryTest, ReturnsColumnsAndTypedValues) {
  QueryResult result =
      ask("SELECT id AS run, tests, 0.5 AS half, NULL AS missing FROM runs "
          "ORDER BY id;  ");
  EXPECT_THAT(result.columns, ElementsAre("run", "tests", "half", "missing"));
  ASSERT_THAT(result.rows, SizeIs(3));
  EXPECT_EQ(result.rows[0], (std::vector<Value>{"r1", int64_t{1}, 0.5, std::monostate()}));
  EXPECT_EQ(textOf(result.rows[0][2]), "0.5");
  EXPECT_EQ(textOf(result.rows[0][3]), "");
  EXPECT_FALSE(result.isCut);
  EXPECT_THAT(ask("SELECT * FROM history").rows, SizeIs(3));
  EXPECT_THAT(ask("PRAGMA table_info(runs)").rows, SizeIs(17));
}

TEST_F(QueryTest, SaysWhereItStopped) {
  QueryResult result = ask("SELECT id FROM runs", {.rowsMost = 2});
  EXPECT_THAT(result.rows, SizeIs(2));
  EXPECT_TRUE(result.isCut);
  EXPECT_FALSE(ask("SELECT id FROM runs", {.rowsMost = 3}).isCut);
}

TEST_F(QueryTest, RefusesWhatWritesOrOpensOtherFiles) {
  const std::string other = runs_.path() + "/other.db";
  for (const std::string& text :
       {std::string("INSERT INTO runs (id) VALUES ('x')"),
        std::string("DELETE FROM runs"),
        std::string("UPDATE runs SET id = 'x'"),
        std::string("DROP TABLE runs"),
        std::string("CREATE TEMP TABLE mine (a)"),
        std::string("CREATE TABLE mine (a)"),
        "ATTACH '" + other + "' AS other",
        "VACUUM INTO '" + other + "'",
        std::string("PRAGMA user_version = 7"),
        std::string("PRAGMA journal_mode = DELETE"),
        std::string("PRAGMA writable_schema = ON"),
        std::string("PRAGMA query_only = OFF"),
        std::string("SELECT load_extension('/tmp/x')"),
        std::string("BEGIN"),
        std::string("SELECT 1; DELETE FROM runs"),
        std::string("SELECT writefile('/tmp/x', 'x')"),
        std::string("REINDEX"),
        std::string("nonsense"),
        std::string(""),
        std::string("WITH a AS (SELECT 1) INSERT INTO runs (id) SELECT * FROM a")}) {
    EXPECT_NE(refusal(text), "") << text;
    EXPECT_NE(refusal(text), "of another kind") << text;
  }
  EXPECT_FALSE(std::filesystem::exists(other));
  EXPECT_THAT(ask("SELECT id FROM runs").rows, SizeIs(3));
  EXPECT_EQ(
      std::get<int64_t>(ask("SELECT count(*) FROM sqlite_schema WHERE name = 'mine'").rows[0][0]),
      0);
}

TEST_F(QueryTest, EndsAtItsTimeLimit) {
  QueryLimits limits{.timeMost = std::chrono::milliseconds(50)};
  EXPECT_THROW(
      ask("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
          limits),
      DatabaseError);
}

}  // namespace
}  // namespace harness::history
