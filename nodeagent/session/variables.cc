#include "nodeagent/session/variables.h"

#include <utility>

namespace nodeagent {

Variables::Entry::Entry(kj::Own<Variables> variables, uint64_t order)
    : variables_(kj::mv(variables)), order_(order) {}

Variables::Entry::~Entry() noexcept(false) {
  variables_->sets_.erase(order_);
}

kj::Own<Variables::Entry> Variables::add(kj::Array<Variable> variables) {
  uint64_t order = nextOrder_++;
  sets_.emplace(order, kj::mv(variables));
  return kj::heap<Entry>(kj::addRef(*this), order);
}

kj::Vector<Variable> Variables::all() const {
  kj::Vector<Variable> copies;
  for (const auto& [order, variables] : sets_) {
    for (const Variable& each : variables) {
      copies.add(Variable{kj::str(each.name), kj::str(each.value)});
    }
  }
  return copies;
}

}  // namespace nodeagent
