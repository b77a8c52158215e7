// Names that stand beside a target for a moment, until they take its name; and how they are noted,
// so that none stays when the process is killed in that moment.
//
// Blocking; for a worker thread.
#pragma once

#include <kj/memory.h>
#include <kj/refcount.h>
#include <kj/string.h>

#include "nodeagent/file/path.h"

namespace nodeagent::file {

// ".muster-DIGITS.SUFFIX" with 16 random digits; what the agent itself puts beside a target looks
// so.
kj::String temporaryName(kj::StringPtr suffix);

// Immutable.
class TemporaryNotes : public kj::AtomicRefcounted {
 public:
  // Before there is anything of that name; what it returns is for drop(). Empty: it could not be
  // noted.
  virtual kj::String note(kj::StringPtr path) const = 0;

  virtual void drop(kj::StringPtr noted) const = 0;
};

// A new temporary name beside the target of `place`, noted in `notes`, if given, for as long as it
// lives.
class TemporaryName {
 public:
  TemporaryName() = default;
  TemporaryName(const Place& place, kj::Maybe<const TemporaryNotes&> notes);
  TemporaryName(TemporaryName&&) noexcept = default;
  TemporaryName& operator=(TemporaryName&& other) noexcept;
  ~TemporaryName();

  kj::StringPtr name() const { return name_; }

 private:
  kj::String name_;
  kj::Maybe<kj::Own<const TemporaryNotes>> notes_;
  kj::String noted_;
};

}  // namespace nodeagent::file
