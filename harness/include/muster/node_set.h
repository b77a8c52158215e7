// Some nodes of a cluster, in its order, and calls that go to all of them at once.
//
//   Results names = servers().run({"uname", "-n"});
//   EXPECT_THAT(names, OnEachNode(Succeeded()));
//   EXPECT_THAT(names["server1"], StdoutIs("server1\n"));
//   servers().push("kvd.conf", "/etc/kvd.conf").checked();
//   ProcessSet daemons = servers().start({"/usr/sbin/kvd", "-f"});
//   servers().run([](const Node& node) -> Argv { return {"ping", "-c1", node.address()}; });
//
// Each of these asks all nodes at the same time. For what has no call of this kind there is a loop:
// `for (Node& server : servers()) server.service("kvd").stop();`
//
// A set does not change with the cluster, and knows nothing of roles and labels: Cluster makes
// sets.
//
// Things to get right:
//   * A set borrows its nodes, and is valid as long as their cluster. Results are plain values.
//   * Calls on all nodes throw nothing for a node that did not answer: its part of the answers has
//     the error, and a test that ignores the answers ignores the failure. checked() throws it.
//   * servers() and its like make a new set each time. Keep one where an algorithm is given begin()
//     and end(), or give it the set: std::ranges::find_if(set, …).
//   * Call from the test thread. All nodes have the same deadline, that of one call.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <iterator>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include <muster/condition.h>
#include <muster/file_set.h>
#include <muster/node.h>
#include <muster/node_answers.h>
#include <muster/place_in_set.h>
#include <muster/process_set.h>
#include <muster/results.h>

namespace harness {
struct ApiAccess;
}

namespace muster {

// Is a value that borrows its nodes from the cluster: copying it copies no node, and it may be
// returned and kept. It has each node once, unless the test put one in twice.
class NodeSet {
 public:
  using Where = std::source_location;

  // Goes over the nodes by reference: `for (Node& node : set)`. It is that of a range and of the
  // algorithms of the standard library which look, such as std::ranges::find_if and std::all_of.
  class Iterator {
   public:
    using value_type = Node;
    using reference = Node&;
    using pointer = Node*;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::bidirectional_iterator_tag;
    Iterator() = default;
    explicit Iterator(Node* const* at) : at_(at) {}
    Node& operator*() const { return **at_; }
    Node* operator->() const { return *at_; }

    // Go to the next node and to the one before. Iterators are valid as long as their set, and
    // never go beyond begin() and end().
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(at_++); }
    Iterator& operator--() {
      --at_;
      return *this;
    }
    Iterator operator--(int) { return Iterator(at_--); }
    bool operator==(const Iterator&) const = default;

   private:
    // Points into the set. Null belongs to no set.
    Node* const* at_ = nullptr;
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
  NodeSet firstOf(size_t count, Where where = Where::current()) const;

  // Returns the same nodes, of which a call goes to `count` at most at once, and to the next one
  // when it is over on one of them. Sets that are made of it keep that.
  //
  //   servers().withFanOut(4).push("image.img", "/srv/image.img").checked();
  //
  // Without it, commands of run and shell go to all nodes at once, and other calls to 64. NodeError
  // kInvalid if `count` is 0.
  NodeSet withFanOut(size_t count, Where where = Where::current()) const;

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

  // Runs on every node the command that `argvOf` gives for it, all at once, as above. `argvOf` is
  // called with one node after the other before anything runs.
  template <std::invocable<const Node&> ArgvOf>
  Results run(const ArgvOf& argvOf, const RunOptions& options = {},
              Where where = Where::current()) const {
    return runEach(argvsOf(argvOf), options, where);
  }

  // Start `argv`, or the command that `argvOf` gives for a node, on all nodes at once, as
  // Node::start does on one. An error of one node is kept in its place. Hold the ProcessSet.
  ProcessSet start(const Argv& argv, const RunOptions& options = {},
                   Where where = Where::current()) const;
  template <std::invocable<const Node&> ArgvOf>
  ProcessSet start(const ArgvOf& argvOf, const RunOptions& options = {},
                   Where where = Where::current()) const {
    return startEach(argvsOf(argvOf), options, where);
  }

  // Copy a file, or what is below a directory, from here to all nodes at once, as Node::push and
  // Node::pushTree do to one.
  [[nodiscard]] NodeAnswers<TransferResult> push(const std::filesystem::path& local,
                                                 const std::string& remote,
                                                 const WriteOptions& options = {},
                                                 Where where = Where::current()) const;
  [[nodiscard]] NodeAnswers<TransferResult> pushTree(const std::filesystem::path& local,
                                                     const std::string& remote,
                                                     const WriteOptions& options = {},
                                                     Where where = Where::current()) const;

  // Waits on all nodes at once, as Node::waitFor does on one, and until the last of them is done.
  // Each answer has what the last look of its node saw, or the NodeError kTimeout with it.
  //
  //   servers().waitFor(Condition::port(7000), 30s).checked();
  //
  [[nodiscard]] NodeAnswers<std::string> waitFor(const Condition& condition,
                                                 std::chrono::nanoseconds within,
                                                 Where where = Where::current()) const;

  // Stands for the path on all nodes, and asks nothing. A wrong path shows with its first call.
  FileSet file(const std::string& path) const;

  // Calls `visit` with one node after the other, in order, on the calling thread. An exception of
  // `visit` ends it.
  void each(const std::function<void(Node&)>& visit) const;

 private:
  friend struct harness::ApiAccess;

  // Returns the commands of all nodes, in order.
  template <typename ArgvOf>
  std::vector<Argv> argvsOf(const ArgvOf& argvOf) const {
    std::vector<Argv> all;
    for (const Node* node : nodes_) all.push_back(argvOf(*node));
    return all;
  }

  // Take one command for each node, in the order of the set.
  Results runEach(std::vector<Argv> argvs, const RunOptions& options, Where where) const;
  ProcessSet startEach(const std::vector<Argv>& argvs, const RunOptions& options,
                       Where where) const;

  Results runByFanOut(const std::vector<Argv>& argvs, const RunOptions& options, Where where) const;

  // Returns a set of other nodes with the fan-out of this one.
  NodeSet with(std::vector<Node*> nodes) const;

  // Returns the fan-out, or else `most`.
  size_t fanOutOr(size_t most) const;

  // Owned by the cluster.
  std::vector<Node*> nodes_;

  // Absent: no limit was asked for.
  std::optional<size_t> fanOut_;
};

// Prints the names for gtest.
void PrintTo(const NodeSet& nodes, std::ostream* out);

}  // namespace muster
