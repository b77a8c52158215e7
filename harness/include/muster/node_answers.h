// Holds what all nodes of a set answered to one call: a value of each node, or its error.
//
//   NodeAnswers<std::string> configs = servers().file("/etc/kvd.conf").read();
//   EXPECT_THAT(configs, OnEachNode("peers=3\n"));
//   EXPECT_EQ(configs["server1"], "peers=3\n");
//   servers().push("kvd.conf", "/etc/kvd.conf").checked();
//
// They are plain values that outlive their nodes. Those of commands are Results, in results.h. They
// do not say when each node answered, and keep no order but that of the set.
//
// A failed expectation names the nodes that differ. What one node answered is also at hand:
//
//   for (const NodeAnswer<bool>& one : servers().file("/run/kvd.pid").exists()) {
//     if (one.value.value_or(false)) running.push_back(one.node);
//   }
//
// Things to get right:
//   * A node that did not answer throws nothing: its part has the error. Compilers warn of answers
//     that nobody looks at; checked() throws the error.
//   * Calls without a value, such as a write, answer std::monostate. OnEachNode(testing::_) says
//     that all of them went well.
//   * An error of one node undoes nothing on the others. Answers of which some are errors tell
//     which nodes have the change.
//   * Each value is held here: a read of a file of 100 MiB on ten nodes takes 1 GB.
#pragma once

#include <cstddef>
#include <optional>
#include <ostream>
#include <source_location>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <muster/node_error.h>
#include <muster/place_in_set.h>

namespace muster {

// Holds the answer of one node: a value, or the error that stands in for it. Exactly one of the two
// is present.
template <typename Value>
struct NodeAnswer {
  // Is the node's name.
  std::string node = {};

  // Is what the call of this name returns for one node.
  std::optional<Value> value = {};

  // Is what that call would have thrown. Its line is the one of the call on the set.
  std::optional<NodeError> error = {};
};

namespace internal {

// Do what checked() and operator[] of NodeAnswers say. `errors` are those of the nodes that have
// one.
void requireAnswers(size_t nodes, const std::vector<NodeError>& errors,
                    const std::source_location& where);
[[noreturn]] void failNoAnswerOf(const NameInSet& node);

}  // namespace internal

// Holds the answers of all nodes of a set, in its order. NodeSet, FileSet and ProcessSet make them;
// a test makes one of its own only to try a matcher on it.
template <typename Value>
class NodeAnswers {
 public:
  // For gmock's matchers of containers, such as SizeIs(3).
  using value_type = NodeAnswer<Value>;
  using const_iterator = typename std::vector<NodeAnswer<Value>>::const_iterator;

  explicit NodeAnswers(std::vector<NodeAnswer<Value>> all) : all_(std::move(all)) {}

  // Tells whether every node answered. It is true for an empty set.
  bool succeeded() const { return errors().empty(); }

  // Returns these answers if every node gave one. If only one node did not, its own NodeError is
  // thrown, with the line of this call; if several did not, one that has the texts of all, and the
  // kind of the first.
  const NodeAnswers& checked(std::source_location where = std::source_location::current()) const& {
    internal::requireAnswers(all_.size(), errors(), where);
    return *this;
  }
  NodeAnswers checked(std::source_location where = std::source_location::current()) && {
    internal::requireAnswers(all_.size(), errors(), where);
    return std::move(*this);
  }

  // Returns the value of a node by name. Throws the node's own NodeError if it has none; NodeError
  // kNotFound for a name that is not in the set.
  const Value& operator[](NameInSet node) const {
    for (const NodeAnswer<Value>& one : all_) {
      if (one.node != node.name) continue;
      if (one.error) throw *one.error;
      return *one.value;
    }
    internal::failNoAnswerOf(node);
  }

  // The answers can be gone over, as in `for (const auto& one : answers)`.
  size_t size() const { return all_.size(); }
  bool empty() const { return all_.empty(); }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

 private:
  // Returns the errors of the nodes that did not answer, in order.
  std::vector<NodeError> errors() const {
    std::vector<NodeError> bad;
    for (const NodeAnswer<Value>& one : all_) {
      if (one.error) bad.push_back(*one.error);
    }
    return bad;
  }

  std::vector<NodeAnswer<Value>> all_;
};

// Print the node and its value or error, and all answers, one a line, for gtest.
template <typename Value>
void PrintTo(const NodeAnswer<Value>& answer, std::ostream* out) {
  if (answer.error) {
    *out << answer.error->what();
  } else {
    *out << "node " << answer.node << ": " << testing::PrintToString(*answer.value);
  }
}
template <typename Value>
void PrintTo(const NodeAnswers<Value>& answers, std::ostream* out) {
  for (const NodeAnswer<Value>& one : answers) {
    *out << "\n  ";
    PrintTo(one, out);
  }
}

}  // namespace muster
