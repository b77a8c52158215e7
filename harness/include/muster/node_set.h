// Some nodes of a cluster, in its order, and calls that go to all of them at once.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include <muster/node.h>

namespace muster {

// What one node answered in a fan-out: a result, or the error that stands in for it. Exactly one is
// present.
struct NodeResult {
  std::string node;
  std::optional<Result> result;
  std::optional<NodeError> error;

  bool succeeded() const { return result && result->succeeded(); }
};

void PrintTo(const NodeResult& result, std::ostream* out);

// The answers of all nodes of a set, in its order.
class Results {
 public:
  explicit Results(std::vector<NodeResult> all) : all_(std::move(all)) {}

  bool succeeded() const;                   // On every node.
  std::vector<std::string> failed() const;  // Names of the nodes where it was not.

  // The result of a node by name. Throws its NodeError if it has none; NodeError kNotFound for a
  // name not in the set.
  const Result& operator[](const std::string& node) const;

  size_t size() const { return all_.size(); }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

 private:
  std::vector<NodeResult> all_;
};

void PrintTo(const Results& results, std::ostream* out);

// A value that borrows its nodes from the cluster.
class NodeSet {
 public:
  using Where = std::source_location;

  class Iterator {
   public:
    using value_type = Node;
    using reference = Node&;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(Node* const* at) : at_(at) {}
    Node& operator*() const { return **at_; }
    Node* operator->() const { return *at_; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    Node* const* at_;
  };

  NodeSet() = default;
  explicit NodeSet(std::vector<Node*> nodes) : nodes_(std::move(nodes)) {}
  NodeSet(std::initializer_list<std::reference_wrapper<Node>> nodes);

  size_t size() const { return nodes_.size(); }
  bool empty() const { return nodes_.empty(); }
  Iterator begin() const { return Iterator(nodes_.data()); }
  Iterator end() const { return Iterator(nodes_.data() + nodes_.size()); }

  // NodeError kNotFound if there are not so many, or none of that name.
  Node& operator[](size_t index) const;
  Node& operator[](const std::string& name) const;

  // The first node; NodeError kNotFound if the set is empty.
  Node& first() const { return (*this)[size_t{0}]; }

  // The node of a set of one; NodeError kInvalid if there are more, kNotFound if there is none.
  Node& only() const;

  bool contains(const Node& node) const;
  std::vector<std::string> names() const;

  NodeSet without(const Node& node) const;
  NodeSet firstOf(size_t count) const;            // NodeError kNotFound if there are not so many.
  NodeSet operator+(const NodeSet& other) const;  // Without doubles.

  // Runs on all nodes at once and waits for all. An error of one node is in its NodeResult; nothing
  // is thrown for it.
  Results run(const Argv& argv, const RunOptions& options = {},
              Where where = Where::current()) const;
  Results shell(const std::string& script, const RunOptions& options = {},
                Where where = Where::current()) const;

  // Calls `visit` with one node after the other, in order, on the calling thread.
  void each(const std::function<void(Node&)>& visit) const;

 private:
  std::vector<Node*> nodes_;
};

// For gtest: the names.
void PrintTo(const NodeSet& nodes, std::ostream* out);

}  // namespace muster
