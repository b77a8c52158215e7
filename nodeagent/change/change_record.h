// What is known of one change, in a form that outlives the keeper: its kind, and the values by
// which it is made and taken back.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "schema/support/base/id.h"

namespace nodeagent::change {

// Texts by name. A name may stand several times.
class Values {
 public:
  struct Value {
    kj::String name;
    kj::String text;
  };

  void add(kj::StringPtr name, kj::StringPtr text) {
    all_.add(Value{kj::str(name), kj::str(text)});
  }

  // Replaces the first of that name, or adds it.
  void set(kj::StringPtr name, kj::StringPtr text);

  // Returns the first of that name; empty if there is none.
  kj::StringPtr get(kj::StringPtr name) const;
  kj::Vector<kj::StringPtr> getAll(kj::StringPtr name) const;

  const kj::Vector<Value>& all() const { return all_; }
  Values clone() const;

 private:
  kj::Vector<Value> all_;
};

struct ChangeRecord {
  support::Id id;
  // The name of its kind (change_kind.h).
  kj::String kind;
  kj::String owner;
  kj::String bootId;
  // What it does, for people.
  kj::String text;
  // Counts the changes of the node, so that they can be taken back newest first.
  uint64_t order = 0;
  int64_t sinceRealtimeNs = 0;
  Values values;

  ChangeRecord clone() const;
};

}  // namespace nodeagent::change
