// One command that is running on each node of a set while the test goes on.
//
//   ProcessSet watchers = servers().start({"kvctl", "watch"});
//   watchers.readUntil("watching", 5s).checked();
//   servers()[0].run({"kvctl", "set", "a", "1"}).checked();
//   EXPECT_THAT(watchers.wait(10s), OnEachNode(Prints("a=1")));
//
// Each call asks all nodes at the same time. The Process of one node is watchers["server1"], which
// has what is not here. The set does not start a command again, nor on nodes that come later.
//
// Things to get right:
//   * It belongs to the scope that holds it: destroying it ends all its commands at once, as the
//     destructor of a Process ends one.
//   * A node where the command could not be asked for has an error in its place. It shows with the
//     first call, as the NodeResult or NodeAnswer of that node; checked() throws it.
//   * Like a Process, it is valid as long as its cluster.
//   * To let all commands begin something at the same time, use a Barrier: Cluster::barrier takes
//     the set.
#pragma once

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <muster/node_answers.h>
#include <muster/place_in_set.h>
#include <muster/process.h>
#include <muster/results.h>
#include <muster/signal_target.h>

namespace harness {
struct ApiAccess;
}

namespace muster {

// Made by NodeSet::start. Call from the test thread. Calls end with DeadlineScope::current().
class [[nodiscard]] ProcessSet {
 public:
  using Where = std::source_location;

  // Ends the commands, all at once, and waits for that as the destructor of a Process does.
  ~ProcessSet();
  ProcessSet(ProcessSet&& other) noexcept;
  ProcessSet& operator=(ProcessSet&& other) noexcept;
  ProcessSet(const ProcessSet&) = delete;
  ProcessSet& operator=(const ProcessSet&) = delete;

  size_t size() const { return all_.size(); }
  bool empty() const { return all_.empty(); }

  // Returns the process of a node by name. Throws the NodeError of its start if it has none;
  // NodeError kNotFound for a name that is not in the set.
  Process& operator[](NameInSet node);

  // Throws the NodeErrors of the nodes where the command could not be asked for, as
  // NodeAnswers::checked does, and does nothing if there are none. A command that the node could
  // not start is no such error: its outcome is kNotStarted.
  void checked(Where where = Where::current()) const;

  // Wait for the end on every node, as Process::wait does on one. With `within`, a node where the
  // command is not over by then has NodeError kTimeout in its place, and the command goes on.
  Results wait(Where where = Where::current());
  Results wait(std::chrono::nanoseconds within, Where where = Where::current());

  // End the command on every node, as Process::cancel and Process::kill do on one.
  Results cancel(Where where = Where::current());
  Results kill(Where where = Where::current());

  // Send a signal, and read lines until one contains `text`, on every node.
  [[nodiscard]] NodeAnswers<std::monostate> signal(int number,
                                                   SignalTarget target = SignalTarget::kAll,
                                                   Where where = Where::current());
  [[nodiscard]] NodeAnswers<std::string> readUntil(const std::string& text,
                                                   std::chrono::nanoseconds within,
                                                   Where where = Where::current());

 private:
  friend struct harness::ApiAccess;
  friend class NodeSet;
  friend void PrintTo(const ProcessSet& processes, std::ostream* out);

  // One of a process and an error is present, but for a set that was moved from.
  using Member = NodeAnswer<Process>;
  explicit ProcessSet(std::vector<Member> all) : all_(std::move(all)) {}

  void end() noexcept;

  std::vector<Member> all_;
};

// Prints the processes, one a line, for gtest.
void PrintTo(const ProcessSet& processes, std::ostream* out);

}  // namespace muster
