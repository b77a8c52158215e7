// The tables of the index, as docs/reference/history.md describes them: `muster query` shows them
// to everybody. What fills them is said by run_index.h.
#pragma once

#include "harness/history/database.h"

namespace harness::history {

// The version of the tables, which is in the file. An index of another one is made anew.
inline constexpr int kTablesVersion = 2;

// Tells whether the database has the tables of this version.
bool hasTables(Database& database);

// Makes the tables in a database that is empty.
void makeTables(Database& database);

}  // namespace harness::history
