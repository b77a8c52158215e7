// A place where commands on the nodes and the test wait for each other, so that all begin at the
// same time.
//
//   ProcessSet load = clients().start({"sh", "-c", "prepare; nodeagent barrier start; fire"});
//   Barrier start = cluster().barrier("start", load);
//   start.wait(30s);  // All have prepared, and now all fire.
//
// Scripts may use a barrier without the test, by `nodeagent barrier NAME --count N`
// (docs/reference/sync.md).
//
// Things to get right:
//   * The test comes in addition to those for whom it declares the barrier: nobody goes on before
//     wait() was called.
//   * If a command ends while it waits, the barrier is broken: all others are told within 100 ms
//     which one, how it ended, and what it wrote last. Where the barrier is for commands by name, a
//     command that ends before it comes breaks it too. A broken barrier stays broken until it is
//     destroyed.
//   * After all have come, the same barrier can be used for the next round.
//   * Destroying it ends it: commands that wait there fail. Hold it until the last round is over.
#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <source_location>
#include <string>
#include <vector>

namespace harness::rpc {
class Sync;
}

namespace muster {

class Cluster;
class Process;

// The commands for which a barrier is, as in `cluster().barrier("start", {first, second})`.
using Participants = std::vector<std::reference_wrapper<const Process>>;

// Made by Cluster::barrier. Valid as long as its cluster. Call from the test thread.
class [[nodiscard]] Barrier {
 public:
  using Where = std::source_location;

  // Ends the barrier. Commands that wait there fail.
  ~Barrier();
  Barrier(Barrier&& other) noexcept;
  Barrier& operator=(Barrier&& other) noexcept;
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  // Waits until all have come, at most until DeadlineScope::current(), or for `within` if that is
  // sooner. NodeError kTimeout, naming those that came and those that are missing, if not all came;
  // kCommandFailed, naming the command that ended with its last output, if the barrier is broken.
  // After kTimeout it can be called again.
  void wait(Where where = Where::current());
  void wait(std::chrono::nanoseconds within, Where where = Where::current());

  const std::string& name() const { return name_; }

 private:
  friend class Cluster;
  Barrier(harness::rpc::Sync& sync, std::string name);
  void end() noexcept;

  // Null means that this was moved from.
  harness::rpc::Sync* sync_;
  std::string name_;
};

// Prints the name for gtest.
void PrintTo(const Barrier& barrier, std::ostream* out);

}  // namespace muster
