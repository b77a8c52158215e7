// A name and a value that a controller gives to a session or a job, for people and for lists.
#pragma once

#include <kj/array.h>
#include <kj/string.h>

namespace nodeagent {

struct Label {
  kj::String name;
  kj::String value;
};

// Names the label with the person for whom a controller acts, such as alice@build7.
constexpr kj::StringPtr kUserLabel = "user"_kj;

// Returns the value of the last label of this name; empty: there is none.
inline kj::StringPtr labelOf(kj::ArrayPtr<const Label> labels, kj::StringPtr name) {
  kj::StringPtr value = "";
  for (const Label& label : labels) {
    if (label.name == name) value = label.value;
  }
  return value;
}

}  // namespace nodeagent
