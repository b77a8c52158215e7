// Some nodes of a cluster, in its order, and calls that go to all of them at once.
//
//   Results names = servers().run({"uname", "-n"});
//   EXPECT_THAT(names, OnEachNode(Succeeded()));
//   EXPECT_THAT(names["server1"], StdoutIs("server1\n"));
//   for (Node& server : servers()) server.file("/etc/kvd.conf").remove();
//
// A set does not change with the cluster, and knows nothing of roles and labels: Cluster makes
// sets.
//
// Things to get right:
//   * A set borrows its nodes, and is valid as long as their cluster. Results are plain values.
//   * Fan-out calls throw nothing for a node that did not answer: its NodeResult has the error, and
//     a test that ignores the Results ignores the failure.
//   * Call from the test thread. All nodes have the same deadline, that of one call.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include <muster/node.h>

namespace muster {

// Holds the answer of one node in a fan-out: a result, or the error that stands in for it. Exactly
// one of the two is present.
struct NodeResult {
  // Is the node's name.
  std::string node;
  std::optional<Result> result;
  std::optional<NodeError> error;

  // Tells whether the node answered, and the command exited with status 0.
  bool succeeded() const { return result && result->succeeded(); }
};

// Prints the text of describe() or of the error for gtest.
void PrintTo(const NodeResult& result, std::ostream* out);

// Is the number in the brackets of `servers()[5]`, with the line of the test for the error: an
// operator can take no argument of its own for that. Tests write a number of any integral type.
struct PlaceInSet {
  // Is implicit on purpose. A negative number is none of a node, like any other that is too large.
  template <std::integral Number>
  PlaceInSet(Number number, std::source_location at = std::source_location::current())
      : index(static_cast<size_t>(number)), where(at) {}

  // Counts from 0.
  size_t index;

  // The place in the source, as of every other call.
  std::source_location where;
};

// Is the name in the brackets of `servers()["server1"]` and `results["server1"]`, in the same way.
// Tests write a text of any kind, which must live as long as the expression.
struct NameInSet {
  // Is implicit on purpose.
  template <std::convertible_to<std::string_view> Text>
  NameInSet(const Text& text, std::source_location at = std::source_location::current())
      : name(text), where(at) {}

  // The name of a node.
  std::string_view name;

  std::source_location where;
};

// Holds the answers of all nodes of a set, in its order.
class Results {
 public:
  // For gmock's matchers of containers, such as Each(Succeeded()) and SizeIs(3).
  using value_type = NodeResult;
  using const_iterator = std::vector<NodeResult>::const_iterator;

  explicit Results(std::vector<NodeResult> all) : all_(std::move(all)) {}

  // Tells whether the command succeeded on every node. It is true for an empty set.
  bool succeeded() const;

  // Returns the names of the nodes where it did not succeed.
  std::vector<std::string> failed() const;

  // Returns these results if the command succeeded on every node, for a test that cannot go on
  // otherwise: `servers().run({"mkfs.ext4", "/dev/vdb"}).checked();`. NodeError kCommandFailed if
  // not, with what is known of each node where it did not.
  const Results& checked(std::source_location where = std::source_location::current()) const&;
  Results checked(std::source_location where = std::source_location::current()) &&;

  // Returns the result of a node by name. Throws the node's own NodeError if it has no result;
  // NodeError kNotFound for a name that is not in the set.
  const Result& operator[](NameInSet node) const;

  // The answers can be gone over, as in `for (const NodeResult& one : results)`.
  size_t size() const { return all_.size(); }
  bool empty() const { return all_.empty(); }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

 private:
  std::vector<NodeResult> all_;
};

// Prints all answers for gtest, one node a line.
void PrintTo(const Results& results, std::ostream* out);

// Is a value that borrows its nodes from the cluster.
class NodeSet {
 public:
  using Where = std::source_location;

  // Goes over the nodes by reference: `for (Node& node : set)`.
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

  // For gmock's matchers of containers, such as Contains(Runs({"pgrep", "kvd"})).
  using value_type = Node;
  using const_iterator = Iterator;

  // Tests take sets from the cluster, or make one as in NodeSet({servers()[0], clients()[0]}). The
  // nodes must not be null.
  NodeSet() = default;
  explicit NodeSet(std::vector<Node*> nodes) : nodes_(std::move(nodes)) {}
  NodeSet(std::initializer_list<std::reference_wrapper<Node>> nodes);

  size_t size() const { return nodes_.size(); }
  bool empty() const { return nodes_.empty(); }
  Iterator begin() const { return Iterator(nodes_.data()); }
  Iterator end() const { return Iterator(nodes_.data() + nodes_.size()); }

  // Return a node by its place, from 0, or by its name. NodeError kNotFound if the set has fewer,
  // or none of that name; the text lists what it has.
  Node& operator[](PlaceInSet place) const;
  Node& operator[](NameInSet name) const;

  // Returns the first node. NodeError kNotFound if the set is empty.
  Node& first(Where where = Where::current()) const { return (*this)[PlaceInSet(0, where)]; }

  // Returns the node of a set of one. NodeError kInvalid if there are more, kNotFound if there is
  // none.
  Node& only(Where where = Where::current()) const;

  // These ask no node. Names are in the order of the set.
  bool contains(const Node& node) const;
  std::vector<std::string> names() const;

  // Returns the set without `node`, which need not be in it.
  NodeSet without(const Node& node) const;

  // Returns the first `count` nodes. NodeError kNotFound if the set has fewer.
  NodeSet firstOf(size_t count) const;

  // Returns the nodes of both, those of this first, each once.
  NodeSet operator+(const NodeSet& other) const;

  // Run on all nodes at once and wait for all, as Node::run and Node::shell do on one. An error of
  // one node is in its NodeResult; nothing is thrown for it. NodeError kTimeout is thrown if the
  // time of the enclosing DeadlineScope is over before the call begins. An empty set gives empty
  // Results.
  Results run(const Argv& argv, const RunOptions& options = {},
              Where where = Where::current()) const;
  Results shell(const std::string& script, const RunOptions& options = {},
                Where where = Where::current()) const;

  // Calls `visit` with one node after the other, in order, on the calling thread. An exception of
  // `visit` ends it.
  void each(const std::function<void(Node&)>& visit) const;

 private:
  std::vector<Node*> nodes_;
};

// Prints the names for gtest.
void PrintTo(const NodeSet& nodes, std::ostream* out);

}  // namespace muster
