// Keeps on disk how the changes of sessions are taken back, so that the next keeper can do it if
// this one is killed.
//
// There is one file per change, written before the change and removed when it has been taken back.
// The object is immutable, and its calls block, so they belong on worker threads.
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
  // `directory` is made, mode 0700, if its parent is there. If it is empty, nothing is kept.
  explicit RestoreJournal(kj::String directory);

  // Returns a name for a change of `session`; later names are greater.
  kj::String newName(const support::Id& session) const;

  // Writes how the change `name` is taken back.
  void write(kj::StringPtr name, kj::ArrayPtr<const Restore> restores) const;

  // Notes a file that is only to be removed.
  void writePart(kj::StringPtr name, kj::StringPtr path) const;

  // Notes a temporary name, and returns an empty text if the disk refuses. The change still happens
  // then, since it is to stay.
  kj::String note(kj::StringPtr path) const override;

  // Forgets a change that was taken back or never made. Unknown names are passed over.
  void drop(kj::StringPtr name) const override;

  // Returns the changes on disk, the newest first, and removes records that were not written to
  // their end. It belongs to the start, before anything is written.
  kj::Array<kj::String> names() const;

  // Takes back the change `name`, and drops it whether that works or not: the failure names what
  // remains. A record that was damaged meanwhile is not acted on; the failure is of kind corrupt.
  kj::Maybe<support::Failure> recover(kj::StringPtr name) const;

 private:
  void writeText(kj::StringPtr name, kj::StringPtr text) const;

  const kj::String directory_;
};

}  // namespace nodeagent::file
