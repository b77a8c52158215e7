// A directory of small records that outlive the agent, such as of changes that the next keeper has
// to take back if this one is killed.
//
// A record is a file of lines behind a check sum. It is replaced in one step, so it is there whole
// or not at all. One that is damaged counts as none, because it would take back what is none.
//
//   RecordDirectory records(kj::str(state, "/faults"));
//   records.write(id, kj::arr(toField(owner), kj::str(42)), RecordDirectory::Outlives::kAgent);
#pragma once

#include <kj/array.h>
#include <kj/string.h>

namespace nodeagent {

// Return a text of any bytes as one line of a record, and back.
kj::String toField(kj::StringPtr text);
kj::String fromField(kj::StringPtr line);

// Is immutable. Calls may come from any thread, and block; two that write one record at a time are
// the caller's to keep apart.
class RecordDirectory final {
 public:
  // `path` is made, mode 0700, with the first record, if its parent is there. If it is empty,
  // nothing is kept.
  explicit RecordDirectory(kj::String path) : path_(kj::mv(path)) {}
  KJ_DISALLOW_COPY(RecordDirectory);

  // What must not destroy the record: the end of the agent, or that of the machine as well.
  enum class Outlives { kAgent, kPowerCut };

  // Adds a record of these lines, none of which has a newline, or replaces the one of that name,
  // which has no slash and begins with no dot. Fails with kind system if the disk refuses.
  void write(kj::StringPtr name, kj::ArrayPtr<const kj::String> lines, Outlives outlives) const;

  // Unknown names are passed over.
  void drop(kj::StringPtr name) const;

  // Tells whether there may be records. A keeper asks before it serves anybody.
  bool exists() const;

  // Returns the names of the records, the greatest first. Removes what was not written to its end.
  kj::Array<kj::String> names() const;

  // Returns the lines of a record. Null: it is damaged or gone.
  kj::Maybe<kj::Array<kj::String>> read(kj::StringPtr name) const;

  // Removes a record that is damaged, and logs that. `what` is such as "a fault".
  void dropDamaged(kj::StringPtr name, kj::StringPtr what) const;

 private:
  kj::String pathOf(kj::StringPtr name) const { return kj::str(path_, "/", name); }

  const kj::String path_;
};

}  // namespace nodeagent
