// Keeps on disk what takes back the changes of sessions, so that the next keeper can do it if this
// one is killed.
//
// One file per change, written before the change and removed when it has been taken back.
// Immutable, and its calls block: for worker threads.
#pragma once

#include <kj/refcount.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "nodeagent/file/restore.h"
#include "nodeagent/file/temporary.h"
#include "schema/support/base/id.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {

class RestoreJournal final : public TemporaryNotes {
 public:
  // `directory` is made, mode 0700, if its parent is there. Empty: nothing is kept.
  explicit RestoreJournal(kj::String directory);

  // A name for a change of `session`; later ones are greater.
  kj::String newName(const support::Id& session) const;

  void write(kj::StringPtr name, kj::ArrayPtr<const Restore> restores) const;

  // For a file that is only to be removed.
  void writePart(kj::StringPtr name, kj::StringPtr path) const;

  // A disk that takes no notes stops no changes that are to stay.
  kj::String note(kj::StringPtr path) const override;

  // The change was taken back, or never made. Unknown names are passed over.
  void drop(kj::StringPtr name) const override;

  // What is there now, the newest first. What was not written to its end is removed: for the start,
  // before anything is written.
  kj::Array<kj::String> names() const;

  // Takes back the change `name`, and drops it whether that works or not: the failure names what
  // remains. A record that was damaged meanwhile is not acted on: kind corrupt.
  kj::Maybe<support::Failure> recover(kj::StringPtr name) const;

 private:
  void writeText(kj::StringPtr name, kj::StringPtr text) const;

  const kj::String directory_;
};

}  // namespace nodeagent::file
