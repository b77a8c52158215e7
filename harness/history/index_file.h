// Opens the file of the index of a directory of runs, and makes it anew where it cannot be used: it
// is missing, damaged, cut, or of another version. The runs themselves are never changed.
//
// Processes share `index.lock` while they use the index. The one that makes it anew has the lock
// alone, so that no other one writes into the journal of a file that is no longer there.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "harness/history/database.h"
#include "harness/os/fd.h"

namespace harness::history {

// Names in the directory of runs.
inline constexpr char kIndexFile[] = "index.db";
inline constexpr char kIndexLock[] = "index.lock";

class IndexFile {
 public:
  // The directory must exist. Throws SystemError or DatabaseError; if the index is being made anew
  // for longer than ten seconds, the latter is kBusy.
  explicit IndexFile(const std::string& runsDirectory);

  Database& database() { return *database_; }

  // Where it is.
  const std::string& path() const { return path_; }

  // Makes it anew and empty, because a statement found it damaged, unless another process has done
  // that since. What came from database() is no longer valid.
  void remake();

 private:
  void open();
  void makeAnew();

  std::string path_;
  Fd lock_;
  std::unique_ptr<Database> database_;

  // Tells the file that is open from one that has taken its name.
  ino_t inode_ = 0;
};

}  // namespace harness::history
