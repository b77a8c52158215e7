// A file that comes in pieces, possibly over several connections.
//
// The bytes go to ".muster-ID.part" (mode 0600) beside the target, whose space is taken at once;
// the target changes in one step at the end. Blocking, but for the constructor: for worker threads,
// of which several may hold one upload.
#pragma once

#include <kj/common.h>
#include <kj/mutex.h>
#include <kj/refcount.h>
#include <kj/string.h>

#include "nodeagent/file/replace.h"
#include "nodeagent/file/restore_journal.h"
#include "schema/support/base/id.h"
#include "schema/support/base/sha256.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {

class Upload final : public kj::AtomicRefcounted {
 public:
  // The part file is noted in `journal` under `journalName` while it is there.
  Upload(support::Id id, kj::String path, uint64_t size, WriteOptions options,
         kj::Own<const RestoreJournal> journal, kj::String journalName);

  kj::StringPtr path() const { return path_; }
  uint64_t size() const { return size_; }
  const WriteOptions& options() const { return options_; }

  // Where the bytes are while they come.
  kj::String partPath() const;

  // Makes the part file, if there is none yet; answers up to where the bytes are here. A failure
  // leaves nothing behind, and `begin` may be tried again.
  uint64_t begin() const;

  // Takes what lies behind the bytes that are here. Fails with kind corrupt if there is a gap
  // before it or it reaches over the end, notFound if the upload was discarded.
  uint64_t write(uint64_t offset, kj::ArrayPtr<const kj::byte> bytes) const;

  // Puts the file in its place, once; asked again it answers the same. Kind corrupt: size or digest
  // is another, and the upload is discarded. Any other failure leaves it as it was, to be finished
  // later or discarded.
  FileStat finish(kj::ArrayPtr<const kj::byte> sha256) const;

  // Removes the part file, unless the upload is finished.
  void discard() const;

  bool finished() const;

  // Begun, and neither finished nor discarded.
  bool open() const;

 private:
  struct State {
    kj::Maybe<StagedFile> part;  // null: not begun, finished or discarded.
    MadeDirectories parents;
    Owner owner;
    support::Sha256 hash;
    uint64_t receivedTo = 0;
    kj::Maybe<FileStat> result;           // Finished.
    kj::Maybe<support::Failure> failure;  // Discarded.
  };

  kj::String partName() const;
  StagedFile& partOf(State& state) const;
  void discard(State& state, support::Failure failure) const;

  const support::Id id_;
  const kj::String path_;
  const uint64_t size_;
  const WriteOptions options_;
  const kj::Own<const RestoreJournal> journal_;
  const kj::String journalName_;
  kj::MutexGuarded<State> state_;
};

}  // namespace nodeagent::file
