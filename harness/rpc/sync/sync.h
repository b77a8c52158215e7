// Events and barriers of a cluster, for plain blocking code: what commands of its nodes say to the
// test, and the test to them.
//
// It listens to the nodes from its making until their connections end. Calls throw
// muster::NodeError with an empty `where`, and may come from any thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <muster/node_error.h>

#include "harness/rpc/controller_node.h"
#include "harness/rpc/sync/board.h"

namespace harness::rpc {

class Sync {
 public:
  // Borrows the nodes, which are of one controller. Asks nobody yet.
  explicit Sync(std::vector<ControllerNode*> nodes);
  ~Sync();
  Sync(const Sync&) = delete;
  Sync& operator=(const Sync&) = delete;

  // Sends an event. NodeError kInvalid for a name or data that cannot be.
  void notify(const std::string& name, const SyncData& data, SteadyTime until);

  // Waits for the next event of the name that the test has not had. `allowed` is for the text of
  // NodeError kTimeout.
  SyncEvent wait(const std::string& name, SteadyTime until, std::chrono::nanoseconds allowed);

  // Declares a barrier. The members' nodes are nodes of the cluster. NodeError kInvalid and
  // kConflict.
  void declare(const std::string& name, int64_t count, const SyncMembers& members,
               SteadyTime until);

  // Waits at the barrier. NodeError kTimeout, and kCommandFailed if it is broken.
  void arrive(const std::string& name, SteadyTime until, std::chrono::nanoseconds allowed);

  // Ends the declaration. Returns at once; never throws.
  void undeclare(const std::string& name) noexcept;

  struct TestEnd {
    std::vector<SyncReport> reports;

    // Says what could not be kept; empty: nothing.
    std::string overflow;
  };

  // The next three are for the fixture, and never throw.
  void beginTest() noexcept;

  // Takes over what the nodes have said, and forgets the events of the test.
  TestEnd endTest(SteadyTime until) noexcept;
  void endSuite() noexcept;

 private:
  template <typename Function>
  auto onLoop(const std::string& operation, SteadyTime until, Function function);
  bool post(std::function<void()> function) noexcept;
  std::string unheard() const;

  const std::vector<ControllerNode*> nodes_;

  // Shared with the feeds. Used on the io thread.
  const std::shared_ptr<SyncBoard> board_ = std::make_shared<SyncBoard>();
};

}  // namespace harness::rpc
