// Makes names that stand beside a target for a moment, until they take its name. It also notes
// them, so that none stays when the process is killed in that moment.
//
// Every call blocks, so it belongs on a worker thread.
#pragma once

#include <kj/memory.h>
#include <kj/refcount.h>
#include <kj/string.h>

#include "nodeagent/file/path.h"

namespace nodeagent::file {

// Returns ".muster-DIGITS.SUFFIX" with 16 random digits. All files that the agent itself puts
// beside a target have names of this form.
kj::String temporaryName(kj::StringPtr suffix);

// Keeps notes of temporary names. It is immutable.
class TemporaryNotes : public kj::AtomicRefcounted {
 public:
  // Notes `path`; call it before a file of that name exists. Returns the note's name for drop(), or
  // an empty text if it could not be noted.
  virtual kj::String note(kj::StringPtr path) const = 0;

  virtual void drop(kj::StringPtr noted) const = 0;
};

// A new temporary name beside the target of `place`. It is noted in `notes`, if given, during its
// whole life.
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
