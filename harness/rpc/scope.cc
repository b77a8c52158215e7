#include "harness/rpc/scope.h"

#include <algorithm>

namespace harness {

ScopeHandle ScopeStack::begin(std::string name,
                              std::vector<std::pair<std::string, std::string>> labels) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto scope = std::make_shared<Scope>();
  scope->number = numberNext_++;
  scope->name = std::move(name);
  scope->labels = std::move(labels);
  open_.push_back(scope);
  return scope;
}

ScopeHandle ScopeStack::current() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return open_.empty() ? nullptr : open_.back();
}

std::vector<ScopeHandle> ScopeStack::end(const ScopeHandle& scope) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = std::find(open_.begin(), open_.end(), scope);
  std::vector<ScopeHandle> ended(found, open_.end());
  open_.erase(found, open_.end());
  std::reverse(ended.begin(), ended.end());
  for (const ScopeHandle& each : ended) each->ended = true;
  return ended;
}

}  // namespace harness
