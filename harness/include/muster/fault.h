// A cut of the network between nodes, or a lossy one, as an object: it is healed when the object is
// destroyed. Cluster makes them (cluster.h).
//
//   {
//     Fault cut = cluster().isolate(victim);
//     EXPECT_THAT(victim, Eventually(Prints({"kvctl", "status"}, "stale"), 10s));
//   }  // Healed here, whether or not the expectation held.
//
//   Fault split = cluster().partition({{a, b}, {c}});
//   Fault deaf = cluster().cutOneWay(a, b, {.protocol = FaultOptions::Protocol::kUdp});
//
// Cluster::degrade makes what a node sends slow or unreliable, in the same way.
//
// Every cut is witnessed: it begins when packets that were sent on purpose have been dropped by the
// nodes' kernels, and ends when they get through again. A cut that does not show is an error, never
// a test that passes. It does not cut a node off from this program: the agent's own port is left
// out, and so is everything that does not come from a node of the cluster.
//
// Things to get right:
//   * Hold it: `cluster().isolate(victim);` heals at once. Compilers warn of it.
//   * A fault is a lease. It ends with the test that began it at the latest, or with the suite. If
//     this program is killed it ends after the lease of our session, 60 s. The kernel ends a cut by
//     then even if every process of the agent was killed.
//   * Packets are dropped where they come in, so a sender sees silence, and no error.
//   * The names of nodes stand for all addresses that they have when the fault begins, but for
//     those that several nodes have. An address that is added later is not cut.
//   * A node that is rebooted loses its part: its peers still drop its packets, and it does not
//     drop theirs. Power it on before you heal.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

namespace harness {
struct ApiAccess;
namespace rpc {
class InjectedFault;
}
}  // namespace harness

namespace muster {

// Stands for one fault. It can be moved, and is valid as long as the cluster. Call from the test
// thread. Calls end with DeadlineScope::current() and throw NodeError.
class [[nodiscard]] Fault {
 public:
  using Where = std::source_location;

  // Heals, for 30 s at most. An error fails the test, since nobody can catch it.
  ~Fault();

  // The other one holds nothing afterwards. An assignment heals what this one held.
  Fault(Fault&& other) noexcept;
  Fault& operator=(Fault&& other) noexcept;

  // Ends the fault now, and returns when it is witnessed that it is gone. NodeError kInfrastructure
  // if that does not show, or if the fault had ended before its time; kLost if a node had it no
  // more, because its agent was restarted. Later calls and the destructor do nothing, also after an
  // error: what is left is ended with the session, and reported then.
  void heal(Where where = Where::current());

  // Tells whether heal() was not called yet, and the fault was not moved away.
  bool holds() const { return static_cast<bool>(injected_); }

  // Returns how many packets its nodes have dropped so far, or how many requests a disk disturbed.
  // NodeError kInfrastructure if a node has the fault no more, kInvalid if this holds none.
  uint64_t packetsDropped(Where where = Where::current()) const;

  // Returns the name under which `muster fault list` shows it, 32 hexadecimal digits. It is empty
  // if this holds none.
  std::string id() const;

 private:
  friend struct harness::ApiAccess;
  friend void PrintTo(const Fault& fault, std::ostream* out);
  explicit Fault(std::unique_ptr<harness::rpc::InjectedFault> injected);

  // Calls those that are to know that the fault is over, once.
  void tellEnd() noexcept;

  // Null means that it was healed or moved away.
  std::unique_ptr<harness::rpc::InjectedFault> injected_;

  // None of them throws.
  std::vector<std::function<void()>> atEnd_;
};

// Prints what is cut, such as "isolate server1", for gtest.
void PrintTo(const Fault& fault, std::ostream* out);

}  // namespace muster
