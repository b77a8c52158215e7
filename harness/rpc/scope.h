// A part of our sessions on all nodes that ends alone, such as one for each test.
//
// It is a name on our side. On a node it begins with the first call that belongs to it
// (node_scopes.h), and so costs nothing on the nodes that it does not use.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace harness {

struct Scope {
  // From 1, unique within a controller.
  uint64_t number = 0;

  // Names it to people, such as "test ReplicaTest.Heals".
  std::string name;

  // Replace labels of the session that have the same names.
  std::vector<std::pair<std::string, std::string>> labels;

  // Nothing can be begun in it any more.
  std::atomic<bool> ended = false;
};

// Null stands for the session itself.
using ScopeHandle = std::shared_ptr<Scope>;

// The open scopes of a controller, one within the other. Any thread may call its functions.
class ScopeStack {
 public:
  ScopeHandle begin(std::string name, std::vector<std::pair<std::string, std::string>> labels);

  // Returns the innermost scope.
  ScopeHandle current() const;

  // Takes `scope` and those within it off the stack, and returns them, the innermost first. Empty:
  // it was taken off before.
  std::vector<ScopeHandle> end(const ScopeHandle& scope);

 private:
  mutable std::mutex mutex_;
  uint64_t numberNext_ = 1;
  std::vector<ScopeHandle> open_;
};

}  // namespace harness
