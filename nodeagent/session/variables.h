// Holds the variables that changes of a session have set for its commands. The service that makes
// changes adds them; the one that runs commands reads them.
#pragma once

#include <stdint.h>

#include <map>

#include <kj/array.h>
#include <kj/memory.h>
#include <kj/refcount.h>
#include <kj/string.h>
#include <kj/vector.h>

namespace nodeagent {

// A variable of a command's environment. The value may hold any bytes but NUL.
struct Variable {
  kj::String name;
  kj::String value;
};

// Belongs to the keeper's thread.
class Variables final : public kj::Refcounted {
 public:
  // Keeps variables set; its destruction takes them away. It may outlive the session.
  class Entry {
   public:
    Entry(kj::Own<Variables> variables, uint64_t order);
    ~Entry() noexcept(false);
    KJ_DISALLOW_COPY(Entry);

   private:
    kj::Own<Variables> variables_;
    const uint64_t order_;
  };

  kj::Own<Entry> add(kj::Array<Variable> variables);

  // Returns a copy of all, the oldest first. A name may stand several times; its last value counts.
  kj::Vector<Variable> all() const;

 private:
  uint64_t nextOrder_ = 1;
  std::map<uint64_t, kj::Array<Variable>> sets_;
};

}  // namespace nodeagent
