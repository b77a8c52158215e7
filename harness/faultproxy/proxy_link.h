// One connection through the proxy, with two sockets and the two directions between them.
//
// It moves bytes when it is pumped, and says which events to wait for. Its owner has the loop.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <muster/fault_proxy.h>

#include "harness/faultproxy/flow_shaper.h"
#include "harness/faultproxy/socket.h"

namespace harness {

// The totals to which links add. A link borrows them for its life.
struct FaultLedger {
  muster::FaultCounters counters;
  std::vector<muster::FaultDecision> decisions;

  void add(const muster::FaultDecision& decision);
};

enum class LinkSide { kClient = 0, kTarget = 1 };

class ProxyLink {
 public:
  using Time = FlowShaper::Time;

  struct Options {
    uint64_t number = 0;
    uint64_t seed = 0;
    size_t bufferBytesMax = 0;
    muster::ProxyFaults faults;
  };

  // `target` may still be connecting.
  ProxyLink(const Options& options, Fd client, Fd target, FaultLedger& ledger);

  // Passes the events that epoll reported for a side.
  void ready(LinkSide side, uint32_t events);

  // Moves all bytes that can and may be moved now.
  void pump(Time now);

  // The time to pump again if no event comes before. Absent if there is none.
  std::optional<Time> wakeAt() const { return wakeAt_; }

  // The events that a side waits for, besides those that epoll always reports. Absent if the side
  // must not be watched, because epoll would report its end again and again.
  std::optional<uint32_t> interest(LinkSide side) const;
  int descriptor(LinkSide side) const { return sides_[static_cast<int>(side)].socket.get(); }
  uint64_t number() const { return number_; }

  // True when nothing is left to do. The object closes the sockets, unless they were reset.
  bool over() const { return over_; }

  void setFaults(const muster::ProxyFaults& faults);
  void setBlackhole(muster::ProxyFlow flow);
  void reset();
  void cut(Time now);
  void halfClose(muster::ProxyFlow flow);

 private:
  struct Side {
    Fd socket;
    bool readable = true;  // A read that finds nothing clears it.
    bool writable = true;
    bool ended = false;  // The peer sends no more.
    bool gone = false;   // The peer neither sends nor reads any more.
    bool shut = false;   // We send no more to the peer.
  };
  struct Direction {
    FlowShaper shaper;
    Side& source;
    Side& sink;
  };

  bool connected();
  bool pumpOnce(Direction& direction, Time now);
  bool read(Direction& direction, Time now);
  bool act(Direction& direction, const FlowShaper::Step& step, Time now);
  bool write(Direction& direction, const FlowShaper::Step& step, Time now);
  void collect(Direction& direction);
  void settle(Time now);
  void wakeNoLaterThan(Time at);

  FaultLedger& ledger_;
  uint64_t number_;
  Side sides_[2];
  Direction directions_[2];  // The first leads to the target, the second to the client.
  bool connecting_ = true;
  bool over_ = false;
  std::optional<Time> wakeAt_;
  std::optional<Time> closeBy_;  // The time to close after a cut, if the peers have not.
};

}  // namespace harness
