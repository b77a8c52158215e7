// A TCP (or unix socket) proxy that disturbs what it forwards, on purpose and repeatably: put it
// between two programs and see what they make of a bad network.
//
//   muster::FaultProxy proxy({.target = "127.0.0.1:7400", .seed = 42});
//   Client client(proxy.address());
//   proxy.setFaults({.toClient = {.delay = 20ms, .jitter = 5ms}});
//   proxy.blackhole(muster::ProxyFlow::kToClient);
//   proxy.heal();
//
// It works on streams, not on packets: nothing is lost or reordered within a connection that lives,
// as with real TCP. It knows nothing of what it forwards, and ends no TLS. It runs in this program
// and listens here, so it disturbs nodes only where they are made to talk through this machine.
//
// Things to get right:
//   * The callbacks `script` and `await`'s condition run under the proxy's lock: they must neither
//     call the proxy nor throw.
//   * The program that talks through the proxy has to be told its address; nothing is redirected.
//   * The same seed gives the same faults for the same bytes on connections accepted in the same
//     order. It does not fix times.
//   * A target that cannot be reached is not an error of the proxy: the client's connection is
//     reset and counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster {

// Names the directions of a connection. kToTarget carries what the client sent.
enum class ProxyFlow { kToTarget, kToClient, kBoth };

// Describes a fault at one byte of one direction.
struct ByteFault {
  enum class Kind {
    // The whole connection ends in order: both sides read end of file.
    kCut,

    // Both sides get a TCP reset. Unix sockets are closed at once.
    kReset,

    // This direction ends, and what the sender sends beyond is swallowed. The other goes on.
    kHalfClose,

    // Nothing more passes in this direction, no end either, until heal().
    kBlackhole,

    // One bit of the byte is inverted; the seed decides which.
    kFlipBit
  };

  Kind kind = Kind::kCut;

  // The fault hits before this many bytes have passed since the beginning of the connection: at 0,
  // nothing passes. Where `last` is given, a place from `first` to `last`, both included, is drawn
  // for each connection.
  uint64_t first = 0;
  std::optional<uint64_t> last = {};
};

// What happens to one direction. The default is to forward at once.
struct FlowFaults {
  // Each piece is passed on this much later, and later by up to `jitter` more, drawn for each
  // piece. The order stays.
  std::chrono::nanoseconds delay{0};
  std::chrono::nanoseconds jitter{0};

  // 0 means unlimited.
  uint64_t bytesPerSecond = 0;

  // Each write has 1 to this many bytes, drawn. 0 means that pieces pass as they come.
  uint32_t pieceBytesMax = 0;

  // Nothing passes, no end either. Connections are accepted still.
  bool blackhole = false;

  std::vector<ByteFault> at = {};
};

struct ProxyFaults {
  FlowFaults toTarget = {};
  FlowFaults toClient = {};
};

// One thing that was drawn or done, for comparing runs and for messages.
struct FaultDecision {
  // Is the connection's number from 1, in the order of acceptance.
  uint64_t connection = 0;
  ProxyFlow flow = ProxyFlow::kToTarget;
  ByteFault::Kind kind = ByteFault::Kind::kCut;

  // Counts the bytes of this direction that had passed.
  uint64_t offset = 0;

  // Is the bit that kFlipBit inverted, counted from the least significant.
  uint32_t bit = 0;

  bool operator==(const FaultDecision&) const = default;
};

// Returns "connection 3 to target: reset at byte 4711" and the like.
std::string toString(const FaultDecision& decision);

// Counts what happened since the proxy was made, except for `open`.
struct FaultCounters {
  uint64_t accepted = 0;

  // Counts the connections that are open now.
  uint64_t open = 0;

  // Counts the connections that were reset because the target could not be reached.
  uint64_t unreachable = 0;
  uint64_t bytesToTarget = 0;
  uint64_t bytesToClient = 0;

  // Counts the pieces passed on.
  uint64_t writes = 0;

  // Counts the bytes taken from a sender and never passed on.
  uint64_t swallowedBytes = 0;

  // Counts the byte faults that hit, and the connections ended by resetAll() and cutAll().
  uint64_t faults = 0;
};

struct FaultProxyOptions {
  // Is a numeric address, such as "127.0.0.1:7400", "[::1]:7400" or "unix:/run/x.sock". Nothing
  // need listen there yet.
  std::string target = {};

  // Is an address of the loopback or a unix socket, in the same form. Port 0 means any free one.
  std::string listen = "127.0.0.1:0";

  // All that is drawn is a function of this, the number of the connection, and the byte's offset.
  // Absent means a random one, which is printed on standard error.
  std::optional<uint64_t> seed = {};

  // Bounds the bytes held per direction of a connection. Beyond them the sender waits.
  size_t bufferBytesMax = 256 * 1024;
  ProxyFaults faults = {};

  // Gives the faults of each connection instead of `faults`, from its number, such as "the third
  // connection is reset somewhere in its first kilobyte". It is called on the proxy's thread and
  // must be pure.
  std::function<ProxyFaults(uint64_t connection)> script = {};
};

// Runs from construction to destruction on a thread of its own. Calls may come from any thread,
// take effect before they return, and throw std::system_error where the kernel refuses. They do not
// wait for bytes, except for await().
class FaultProxy {
 public:
  // Listens when it returns. Throws std::invalid_argument for addresses that it cannot use, and
  // std::system_error if it cannot listen, such as for a port in use.
  explicit FaultProxy(FaultProxyOptions options);

  // Resets what is open, and waits for the thread only.
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  // Returns where it listens, in the form of FaultProxyOptions::listen, with the port it has.
  const std::string& address() const;

  // Returns the port of a TCP listener, and 0 otherwise.
  uint16_t port() const;

  // Returns the seed that was given or drawn.
  uint64_t seed() const;

  // Replaces the faults of all connections, open and future, a script too. Byte faults at places
  // that an open connection has passed do not hit it.
  void setFaults(const ProxyFaults& faults);

  // Removes all faults as setFaults({}) does, and what a blackhole held flows on.
  void heal();

  // Stops a direction, or both, of all connections, open and future; the other faults stay.
  void blackhole(ProxyFlow flow);

  // Resets, or ends in order, what is open now.
  void resetAll();
  void cutAll();

  // Ends one direction (or both) of what is open now, after what is buffered.
  void halfCloseAll(ProxyFlow flow);

  // Makes the kernel refuse new connections, because nobody listens. The port stays ours, and
  // listenAgain() ends it. Open connections go on.
  void stopListening();
  void listenAgain();

  // Changes the target of connections from now on. Throws std::invalid_argument.
  void setTarget(const std::string& target);

  FaultCounters counters() const;

  // Returns what hit so far, in order per connection; at most the first 100 000.
  std::vector<FaultDecision> decisions() const;

  // Waits until `condition` holds of the counters. False means that `within` passed first.
  bool await(const std::function<bool(const FaultCounters&)>& condition,
             std::chrono::nanoseconds within) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Print the words, and the numbers that are not at their defaults, for gtest.
void PrintTo(ProxyFlow flow, std::ostream* out);
void PrintTo(ByteFault::Kind kind, std::ostream* out);
void PrintTo(const ByteFault& fault, std::ostream* out);
void PrintTo(const FlowFaults& faults, std::ostream* out);
void PrintTo(const ProxyFaults& faults, std::ostream* out);
void PrintTo(const FaultDecision& decision, std::ostream* out);
void PrintTo(const FaultCounters& counters, std::ostream* out);
void PrintTo(const FaultProxyOptions& options, std::ostream* out);

}  // namespace muster
