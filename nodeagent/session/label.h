// A name and a value that a controller gives to a session or a job, for people and for lists.
#pragma once

#include <kj/string.h>

namespace nodeagent {

struct Label {
  kj::String name;
  kj::String value;
};

}  // namespace nodeagent
