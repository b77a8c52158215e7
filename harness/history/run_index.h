// Keeps the index of a directory of runs: what tests and runs became, in tables that are read in a
// moment where the records of all runs would take minutes. The records stay the only truth: the
// index follows them, and may be deleted at any time.
//
//   RunIndex index("muster-runs");
//   index.refresh();
//   auto results = resultsOf(index.database(), "kvd/KvTest.Heals");
//
// What the tables say is read by index_queries.h.
#pragma once

#include <functional>
#include <string>

#include "harness/history/index_file.h"
#include "harness/history/indexed_run.h"

namespace harness::history {

// What refresh() has done.
struct Refreshed {
  // Runs that were read, and runs of the index that are no longer there.
  size_t read = 0;
  size_t gone = 0;
};

class RunIndex {
 public:
  // Throws SystemError if there is no such directory, or DatabaseError.
  explicit RunIndex(const std::string& runsDirectory);

  // Reads the runs that are new or whose records have changed, and those that were running, and
  // forgets those whose directories are gone. Several processes may do so at once.
  Refreshed refresh();

  Database& database() { return file_.database(); }
  const std::string& directory() const { return directory_; }
  const std::string& path() const { return file_.path(); }

  // Makes it anew and empty: see IndexFile.
  void remake() { file_.remake(); }

 private:
  std::string directory_;
  IndexFile file_;
};

// Stores a run, in place of what the index has of it. For refresh() and its measurements.
void store(Database& database, const IndexedRun& indexed, const std::string& fingerprint);

// Opens and refreshes the index of a directory and calls `work`. If the index turns out to be
// damaged, it is made anew and `work` is called once more: it should give nothing out before it is
// done.
void withIndex(const std::string& runsDirectory, const std::function<void(RunIndex&)>& work);

}  // namespace harness::history
