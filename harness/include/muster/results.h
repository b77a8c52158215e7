// Holds what a command on all nodes of a set leaves: a result of each node, or its error.
//
//   Results names = servers().run({"uname", "-n"});
//   EXPECT_THAT(names, OnEachNode(Succeeded()));
//   EXPECT_THAT(names["server1"], StdoutIs("server1\n"));
//
// They are plain values that outlive their nodes. The calls that give them are in node_set.h; what
// other calls on a set give is in node_answers.h.
//
// Things to get right:
//   * A node that did not answer throws nothing: its NodeResult has the error. A test that ignores
//     the Results ignores the failure; checked() throws it.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include <muster/node_error.h>
#include <muster/place_in_set.h>
#include <muster/result.h>

namespace muster {

// Holds the answer of one node in a fan-out: a result, or the error that stands in for it. Exactly
// one of the two is present.
struct NodeResult {
  // Is the node's name.
  std::string node = {};
  std::optional<Result> result = {};
  std::optional<NodeError> error = {};

  // Tells whether the node answered, and the command exited with status 0.
  bool succeeded() const { return result && result->succeeded(); }
};

// Prints the text of describe() or of the error for gtest.
void PrintTo(const NodeResult& result, std::ostream* out);

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

}  // namespace muster
