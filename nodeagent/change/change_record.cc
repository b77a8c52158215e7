#include "nodeagent/change/change_record.h"

namespace nodeagent::change {

void Values::set(kj::StringPtr name, kj::StringPtr text) {
  for (Value& value : all_) {
    if (value.name == name) {
      value.text = kj::str(text);
      return;
    }
  }
  add(name, text);
}

kj::StringPtr Values::get(kj::StringPtr name) const {
  for (const Value& value : all_) {
    if (value.name == name) return value.text;
  }
  return "";
}

kj::Vector<kj::StringPtr> Values::getAll(kj::StringPtr name) const {
  kj::Vector<kj::StringPtr> found;
  for (const Value& value : all_) {
    if (value.name == name) found.add(value.text);
  }
  return found;
}

Values Values::clone() const {
  Values copy;
  for (const Value& value : all_) copy.add(value.name, value.text);
  return copy;
}

ChangeRecord ChangeRecord::clone() const {
  return {id,    kj::str(kind),   kj::str(owner), kj::str(bootId), kj::str(text),
          order, sinceRealtimeNs, values.clone()};
}

}  // namespace nodeagent::change
