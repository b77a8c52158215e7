// Receives a file in pieces, possibly over several connections.
//
// The bytes go to ".muster-ID.part" (mode 0600) beside the target, whose space is reserved at once;
// the target changes in one step at the end. All calls block except the constructor, so they belong
// on worker threads, of which several may hold one upload.
#pragma once

#include <kj/common.h>
#include <kj/mutex.h>
#include <kj/refcount.h>
#include <kj/string.h>

#include "nodeagent/file/replace.h"
#include "nodeagent/file/restore_journal.h"
#include "schema/support/base/block_digest.h"
#include "schema/support/base/id.h"
#include "schema/support/base/sha256.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {

class Upload final : public kj::AtomicRefcounted {
 public:
  // The part file is noted in `journal` under `journalName` while it exists.
  Upload(support::Id id, kj::String path, uint64_t size, WriteOptions options,
         kj::Own<const RestoreJournal> journal, kj::String journalName);

  kj::StringPtr path() const { return path_; }
  uint64_t size() const { return size_; }
  const WriteOptions& options() const { return options_; }

  // Returns the path of the part file.
  kj::String partPath() const;

  // Makes the part file, if there is none yet, and returns the count of bytes received. A failure
  // leaves nothing behind, and `begin` may be tried again.
  uint64_t begin() const;

  // Takes the bytes that follow those received, ignores others, and returns the count received. The
  // `holeBefore` bytes before them are zeros. Fails with kind corrupt if there is a gap before them
  // or they reach over the end, notFound if the upload was discarded.
  uint64_t write(uint64_t offset, kj::ArrayPtr<const kj::byte> bytes,
                 uint64_t holeBefore = 0) const;

  // Puts the file in its place, once; asked again it answers the same. Fails with kind corrupt if
  // size or digest is another, in which case the upload is discarded. Any other failure leaves it
  // as it was, to be finished later or discarded.
  FileStat finish(kj::ArrayPtr<const kj::byte> sha256) const;

  // Removes the part file, unless the upload is finished.
  void discard() const;

  bool finished() const;

  // Returns whether the upload was begun, and neither finished nor discarded.
  bool open() const;

 private:
  struct State {
    // Null if not begun, finished or discarded.
    kj::Maybe<StagedFile> part;
    MadeDirectories parents;
    Owner owner;
    // That of options_.digestKind takes the bytes.
    support::Sha256 hash;
    support::BlockDigest blocks;
    uint64_t receivedTo = 0;
    // Present once finished.
    kj::Maybe<FileStat> result;
    // Present once discarded.
    kj::Maybe<support::Failure> failure;
  };

  kj::String partName() const;
  StagedFile& partOf(State& state) const;
  void takeHole(State& state, StagedFile& part, uint64_t size) const;
  void take(State& state, StagedFile& part, kj::ArrayPtr<const kj::byte> bytes) const;
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
