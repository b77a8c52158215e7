// Keeps on disk which changes this agent has made and how each is taken back, so that the next
// keeper takes back what a killed one has left.
//
// There is one file per change, written before the change and removed when it was taken back. The
// records are in memory too. Calls may come from any thread, and block.
#pragma once

#include <map>
#include <mutex>

#include <kj/string.h>
#include <kj/vector.h>

#include "nodeagent/change/change_record.h"
#include "nodeagent/os/record_directory.h"

namespace nodeagent::change {

class ChangeJournal {
 public:
  // `directory` is made, mode 0700, with the first record, if its parent is there. If it is empty,
  // the records are in memory only.
  explicit ChangeJournal(kj::String directory) : disk_(kj::mv(directory)) {}

  // The record must outlive what its change does.
  using Outlives = RecordDirectory::Outlives;

  // Adds a record or replaces the one of that id. Fails with kind system if the disk refuses.
  void write(const ChangeRecord& record, Outlives outlives);

  // Returns the record of that id; null if there is none.
  kj::Maybe<ChangeRecord> find(const support::Id& id) const;

  // Unknown ids are passed over.
  void drop(const support::Id& id);

  // Tells whether there may be records of a killed keeper.
  bool exists() const { return disk_.exists(); }

  // Reads the records of the disk. Files that were not written to their end, or that were damaged,
  // are no records: they are removed and logged.
  void load();

  // Returns all records, the newest first.
  kj::Vector<ChangeRecord> all() const;

 private:
  const RecordDirectory disk_;
  mutable std::mutex mutex_;
  std::map<support::Id, ChangeRecord> records_;
};

}  // namespace nodeagent::change
