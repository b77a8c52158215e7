#include "nodeagent/file/upload.h"

#include <errno.h>
#include <string.h>

#include <kj/debug.h>

#include "nodeagent/file/in_place.h"

namespace nodeagent::file {

using Kind = wire::Error::Kind;

namespace {

FileStat copy(const FileStat& stat) {
  return {stat.status, kj::str(stat.user), kj::str(stat.group)};
}

}  // namespace

Upload::Upload(support::Id id, kj::String path, uint64_t size, WriteOptions options,
               kj::Own<const RestoreJournal> journal, kj::String journalName)
    : id_(id),
      path_(kj::mv(path)),
      size_(size),
      options_(kj::mv(options)),
      journal_(kj::mv(journal)),
      journalName_(kj::mv(journalName)) {}

kj::String Upload::partName() const {
  return kj::str(".muster-", id_.text().c_str(), ".part");
}

kj::String Upload::partPath() const {
  size_t slash = KJ_ASSERT_NONNULL(path_.findLast('/'));
  return kj::str(path_.slice(0, slash), "/", partName());
}

uint64_t Upload::begin() const {
  auto state = state_.lockExclusive();
  // A call that is sent again finds the upload as it is.
  if (state->result != nullptr) return size_;
  if (state->part != nullptr) return state->receivedTo;
  Target target = prepareTarget(path_, options_);
  if (options_.inPlace && statusAt(target.place) == nullptr) {
    support::failErrno(ENOENT, "write in place ", quoted(path_));
  }
  // The part file is noted before it is made, so that a killed keeper's successor removes it.
  journal_->writePart(journalName_, partPath());
  KJ_ON_SCOPE_FAILURE(journal_->drop(journalName_));
  StagedFile part(kj::mv(target.place), partName());
  options_.sparse ? part.extend(size_) : part.reserve(size_);
  // Nothing below can fail, so the part file and its note have an owner.
  state->part = kj::mv(part);
  state->parents = kj::mv(target.parents);
  state->owner = target.owner;
  state->hash = support::Sha256();
  state->blocks = support::BlockDigest();
  state->receivedTo = 0;
  state->failure = nullptr;
  return 0;
}

StagedFile& Upload::partOf(State& state) const {
  KJ_IF_MAYBE (part, state.part) return *part;
  KJ_IF_MAYBE (failure, state.failure) kj::throwFatalException(support::toException(*failure));
  support::fail(Kind::NOT_FOUND, "upload of ", quoted(path_), ": discarded");
}

// Zeros that are not sent are holes in a part that is sparse, and are written in any other.
void Upload::takeHole(State& state, StagedFile& part, uint64_t size) const {
  if (options_.sparse && options_.digestKind == DigestKind::kBlocks) {
    state.receivedTo += size;
    return;
  }
  auto zeros = kj::heapArray<kj::byte>(kj::min(size, kChunkBytesMax));
  memset(zeros.begin(), 0, zeros.size());
  for (uint64_t left = size; left > 0;) {
    auto piece = zeros.slice(0, static_cast<size_t>(kj::min(left, zeros.size())));
    take(state, part, piece);
    left -= piece.size();
  }
}

void Upload::take(State& state, StagedFile& part, kj::ArrayPtr<const kj::byte> bytes) const {
  options_.sparse ? part.writeSparse(bytes, state.receivedTo) : part.write(bytes, state.receivedTo);
  if (options_.digestKind == DigestKind::kBlocks) {
    state.blocks.add(state.receivedTo, bytes);
  } else {
    state.hash.update(bytes);
  }
  state.receivedTo += bytes.size();
}

uint64_t Upload::write(uint64_t offset, kj::ArrayPtr<const kj::byte> bytes,
                       uint64_t holeBefore) const {
  auto state = state_.lockExclusive();
  if (state->result != nullptr) return size_;  // This is a late copy of a chunk that has arrived.
  StagedFile& part = partOf(*state);
  if (holeBefore > offset) {
    support::fail(Kind::INVALID, "upload of ", quoted(path_), ": a hole of ", holeBefore,
                  " bytes before the one at ", offset);
  }
  if (offset - holeBefore > state->receivedTo) {
    support::fail(Kind::CORRUPT, "upload of ", quoted(path_), ": bytes at ", offset, ", but only ",
                  state->receivedTo, " have arrived");
  }
  if (offset > size_ || bytes.size() > size_ - offset) {
    support::fail(Kind::CORRUPT, "upload of ", quoted(path_), ": ", bytes.size(), " bytes at ",
                  offset, " reach over its size of ", size_);
  }
  if (offset > state->receivedTo) takeHole(*state, part, offset - state->receivedTo);
  uint64_t known = state->receivedTo - offset;
  if (known >= bytes.size()) return state->receivedTo;
  take(*state, part, bytes.slice(static_cast<size_t>(known), bytes.size()));
  return state->receivedTo;
}

FileStat Upload::finish(kj::ArrayPtr<const kj::byte> sha256) const {
  auto state = state_.lockExclusive();
  KJ_IF_MAYBE (result, state->result) return copy(*result);
  StagedFile& part = partOf(*state);
  support::Digest digest = options_.digestKind == DigestKind::kBlocks ? state->blocks.digest(size_)
                                                                      : state->hash.digest();
  kj::Maybe<kj::String> wrong;
  if (state->receivedTo != size_) {
    wrong = kj::str(state->receivedTo, " of ", size_, " bytes have arrived");
  } else if (sha256.size() != digest.size()) {
    support::fail(Kind::INVALID, "upload of ", quoted(path_), ": a SHA-256 has 32 bytes, not ",
                  sha256.size());
  } else if (memcmp(sha256.begin(), digest.data(), digest.size()) != 0) {
    wrong = kj::str("the SHA-256 of what arrived is ",
                    support::hex({digest.data(), digest.size()}).c_str());
  }
  KJ_IF_MAYBE (text, wrong) {
    support::Failure failure{Kind::CORRUPT, 0, kj::str("upload of ", quoted(path_), ": ", *text)};
    discard(*state, failure.clone());
    kj::throwFatalException(support::toException(failure));
  }
  // The file takes its place here. A failure throws with the part file kept, so that the upload can
  // be finished later.
  OwnerNames names;
  FileStat result = options_.inPlace ? copyInPlace(path_, part.descriptor(), size_, options_)
                                     : describe(part.publish(options_, state->owner), names);
  state->parents.keep();
  state->part = nullptr;
  journal_->drop(journalName_);
  state->result = copy(result);
  return result;
}

void Upload::discard(State& state, support::Failure failure) const {
  state.part = nullptr;
  journal_->drop(journalName_);
  { MadeDirectories emptyNow = kj::mv(state.parents); }
  state.failure = kj::mv(failure);
}

void Upload::discard() const {
  auto state = state_.lockExclusive();
  if (state->part == nullptr) return;
  discard(*state, {Kind::NOT_FOUND, 0, kj::str("upload of ", quoted(path_), ": abandoned")});
}

bool Upload::open() const {
  return state_.lockShared()->part != nullptr;
}

bool Upload::finished() const {
  return state_.lockShared()->result != nullptr;
}

}  // namespace nodeagent::file
