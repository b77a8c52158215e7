// A TCP (or unix socket) proxy that disturbs what it forwards, on purpose and repeatably: put it
// between two programs and see what they make of a bad network.
//
//   muster::FaultProxy proxy({.target = "127.0.0.1:7400", .seed = 42});
//   Client client(proxy.address());                      // Talks to the target through the proxy.
//   proxy.setFaults({.toClient = {.delay = 20ms, .jitter = 5ms}});
//   proxy.blackhole(muster::ProxyFlow::kToClient);            // The target hears; nobody hears it.
//   proxy.heal();
//
// It works on streams, not on packets: nothing is lost or reordered within a connection that lives,
// as with real TCP. It knows nothing of what it forwards, and ends no TLS.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster {

// The two directions of a connection. kToTarget carries what the client sent.
enum class ProxyFlow { kToTarget, kToClient, kBoth };

// A fault at one byte of one direction.
struct ByteFault {
  enum class Kind {
    kCut,        // Orderly end of the whole connection: both sides read end of file.
    kReset,      // Both sides get a TCP reset (unix sockets: are closed at once).
    kHalfClose,  // This direction ends; what the sender sends beyond is swallowed. The other goes
                 // on.
    kBlackhole,  // Nothing more passes in this direction, no end either, until heal().
    kFlipBit     // One bit of the byte is inverted; which one, the seed decides.
  };

  Kind kind = Kind::kCut;

  // The fault hits before this many bytes have passed since the beginning of the connection: at 0,
  // nothing passes. Where `last` is given, a place from `first` to `last`, both included, is drawn
  // for each connection.
  uint64_t first = 0;
  std::optional<uint64_t> last;
};

// What happens to one direction. The default is to forward at once.
struct FlowFaults {
  std::chrono::nanoseconds delay{0};
  std::chrono::nanoseconds jitter{
      0};                       // Up to this is added to `delay`, drawn per piece. Order stays.
  uint64_t bytesPerSecond = 0;  // 0: unlimited.
  uint32_t pieceBytesMax = 0;   // Each write has 1 to this many bytes, drawn. 0: as they come.
  bool blackhole = false;       // Nothing passes, no end either. TCP accepts connections still.
  std::vector<ByteFault> at;
};

struct ProxyFaults {
  FlowFaults toTarget;
  FlowFaults toClient;
};

// One thing that was drawn or done, for comparing runs and for messages.
struct FaultDecision {
  uint64_t connection = 0;  // From 1, in the order of acceptance.
  ProxyFlow flow = ProxyFlow::kToTarget;
  ByteFault::Kind kind = ByteFault::Kind::kCut;
  uint64_t offset = 0;  // Bytes of this direction that had passed.
  uint32_t bit = 0;     // Of kFlipBit, from the least significant.

  bool operator==(const FaultDecision&) const = default;
};

// "connection 3 to target: reset at byte 4711"
std::string toString(const FaultDecision& decision);

struct FaultCounters {
  uint64_t accepted = 0;     // Connections so far.
  uint64_t open = 0;         // Connections now.
  uint64_t unreachable = 0;  // Connections that were reset because the target could not be reached.
  uint64_t bytesToTarget = 0;
  uint64_t bytesToClient = 0;
  uint64_t writes = 0;          // Pieces passed on.
  uint64_t swallowedBytes = 0;  // Taken from a sender and never passed on.
  uint64_t faults = 0;  // Byte faults that hit and connections ended by resetAll() and cutAll().
};

struct FaultProxyOptions {
  std::string target;  // "127.0.0.1:7400", "[::1]:7400", "unix:/run/x.sock"; numeric.
  std::string listen = "127.0.0.1:0";  // Likewise. Port 0: any free one. TCP: loopback only.

  // All that is drawn is a function of this, the number of the connection, and the byte's offset:
  // the same traffic meets the same faults. Absent: random, and printed on standard error.
  std::optional<uint64_t> seed;

  size_t bufferBytesMax = 256 * 1024;  // Held per direction of a connection; then the sender waits.
  ProxyFaults faults;

  // Gives the faults of each connection instead of `faults`, from its number; "the third connection
  // is reset somewhere in its first kilobyte". Called on the proxy's thread; must be pure.
  std::function<ProxyFaults(uint64_t connection)> script;
};

// Runs from construction to destruction on a thread of its own. Calls may come from any thread,
// take effect before they return, and throw std::system_error where the kernel refuses.
class FaultProxy {
 public:
  // Listens when it returns. Throws std::invalid_argument for addresses that it cannot use.
  explicit FaultProxy(FaultProxyOptions options);

  // Resets what is open.
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  // Where it listens, in the form of FaultProxyOptions::listen.
  const std::string& address() const;

  // Of a TCP listener; 0 otherwise.
  uint16_t port() const;

  uint64_t seed() const;

  // Replaces the faults of all connections, open and future, a script too. Byte faults at places
  // that an open connection has passed do not hit it.
  void setFaults(const ProxyFaults& faults);

  // No faults any more: setFaults({}), and what a blackhole held flows on.
  void heal();

  // Stops a direction, or both, of all connections, open and future; the other faults stay.
  void blackhole(ProxyFlow flow);

  // Resets, or ends in order, what is open now.
  void resetAll();
  void cutAll();

  // Ends one direction (or both) of what is open now, after what is buffered.
  void halfCloseAll(ProxyFlow flow);

  // Makes the kernel refuse new connections, because nobody listens. The port stays ours, and
  // listenAgain() ends it.
  void stopListening();
  void listenAgain();

  // For connections from now on.
  void setTarget(const std::string& target);

  FaultCounters counters() const;

  // What hit so far, in order per connection; at most the first 100 000.
  std::vector<FaultDecision> decisions() const;

  // Waits until `condition` holds of the counters. False: `within` passed first.
  bool await(const std::function<bool(const FaultCounters&)>& condition,
             std::chrono::nanoseconds within) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster
