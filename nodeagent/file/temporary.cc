#include "nodeagent/file/temporary.h"

#include <utility>

#include "schema/support/base/id.h"

namespace nodeagent::file {

kj::String temporaryName(kj::StringPtr suffix) {
  kj::byte random[8];
  support::fillRandom(random);
  return kj::str(".muster-", support::hex(random).c_str(), ".", suffix);
}

TemporaryName::TemporaryName(const Place& place, kj::Maybe<const TemporaryNotes&> notes)
    : name_(temporaryName("tmp")) {
  KJ_IF_MAYBE (journal, notes) {
    size_t slash = place.path.findLast('/').orDefault(0);
    noted_ = journal->note(kj::str(place.path.slice(0, slash), "/", name_));
    notes_ = kj::atomicAddRef(*journal);
  }
}

TemporaryName& TemporaryName::operator=(TemporaryName&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(notes_, other.notes_);
  std::swap(noted_, other.noted_);
  return *this;
}

TemporaryName::~TemporaryName() {
  KJ_IF_MAYBE (notes, notes_) {
    if (noted_.size() > 0) (*notes)->drop(noted_);
  }
}

}  // namespace nodeagent::file
