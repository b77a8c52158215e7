// A fault on several nodes at once, from its plan to the witnesses of its beginning and end, for
// plain blocking code.
//
// A fault of the network is set up, injected on all nodes, and counts as active when packets that
// were to be dropped have been: none came through, and the kernels of the receivers have counted
// them. It counts as gone when the kernels show nothing of it, and packets that came through before
// do so again.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/fault/plan.h"
#include "harness/rpc/controller_node.h"
#include "harness/values/activity.h"

namespace harness::rpc {

// A value that borrows its nodes. Its destruction heals nothing: see muster::Fault.
class InjectedFault {
 public:
  // Injects `shape` between `nodes`, which have its nodes in any order. `hold` zero: the fault is
  // our sessions'; otherwise it lasts for that time, whatever becomes of us. Throws NodeError, and
  // then nothing of the fault is left on nodes that can be reached: kInfrastructure if a witness
  // did not show, and the kinds of the nodes' own refusals.
  static InjectedFault inject(const std::vector<ControllerNode*>& nodes, const fault::Shape& shape,
                              const muster::FaultOptions& options, std::chrono::nanoseconds hold,
                              SteadyTime until);

  // Makes what the first of `nodes` sends slow or unreliable. The others are sent packets for the
  // witness, which is that the interface has passed them on. Throws as inject() does.
  static InjectedFault degrade(const std::vector<ControllerNode*>& nodes,
                               const muster::Degradation& degradation,
                               std::chrono::nanoseconds hold, SteadyTime until);

  // Does `effect` to each of the nodes, which are its witnesses. Throws as inject() does.
  static InjectedFault onNodes(const std::vector<ControllerNode*>& nodes,
                               const fault::NodeEffect& effect, std::chrono::nanoseconds hold,
                               SteadyTime until);

  // Takes an interface of one node down for `hold`, even if we are connected by it, and returns
  // when it is up again and the node has answered. NodeError kUnreachable if it does not in time.
  static void takeDownFor(ControllerNode& node, const std::string& interface,
                          std::chrono::nanoseconds hold, SteadyTime until);

  // Ends it on every node and waits for the witness. NodeError kInfrastructure if that does not
  // show; kLost if a node had it no more, though it was not rebooted.
  void heal(SteadyTime until);

  // Returns how many packets it has dropped so far, on all nodes.
  uint64_t packets(SteadyTime until) const;

  // 32 hexadecimal digits.
  const std::string& id() const { return id_; }
  // "isolate server1"
  std::string text() const { return toString(plan_); }
  const fault::Plan& plan() const { return plan_; }

 private:
  // What is known of one probe.
  struct Sent {
    fault::Probe probe;
    // It was answered before there was a fault.
    bool isAnswered = false;
  };

  InjectedFault() = default;
  ControllerNode& node(const std::string& name) const { return *nodes_.at(name); }
  std::vector<ControllerNode*> partNodes() const;
  void setUp(const std::vector<ControllerNode*>& nodes, const fault::Shape& shape,
             const muster::FaultOptions& options, SteadyTime until);
  void add(std::chrono::nanoseconds hold, SteadyTime until);
  template <typename Await>
  void begin(std::chrono::nanoseconds hold, SteadyTime until, const Await& await);
  void tellBegin();
  void awaitActive(SteadyTime until);
  void awaitPassing(SteadyTime until);
  void awaitGone(SteadyTime until);
  std::set<std::string> disturbed(SteadyTime until) const;

  // Returns for each of `probes` whether it was answered within `wait`.
  std::vector<bool> send(const std::vector<fault::Probe>& probes, std::chrono::nanoseconds wait,
                         SteadyTime until) const;
  // Returns the packets that each receiver has dropped. Throws if one has the fault no more.
  std::map<std::string, uint64_t> dropped(SteadyTime until) const;
  std::vector<fault::Probe> witnesses() const;
  [[noreturn]] void fail(const std::string& node, const std::string& why) const;

  std::string id_;
  fault::Plan plan_;
  std::map<std::string, ControllerNode*> nodes_;
  // By node, when it was injected.
  std::map<std::string, std::string> bootIds_;
  std::vector<Sent> sent_;

  // Lasts from its witness to its end.
  Activity activity_;
};

}  // namespace harness::rpc
