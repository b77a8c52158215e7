// One connection through the proxy: two sockets and the two directions between them.
//
// It moves bytes when it is pumped and says what to wait for; the loop is its owner's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <muster/fault_proxy.h>

#include "harness/faultproxy/flow_shaper.h"
#include "harness/faultproxy/socket.h"

namespace harness {

// Totals that links add to; borrowed for a link's life.
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
  ProxyLink(const Options& options, Descriptor client, Descriptor target, FaultLedger& ledger);

  // Tells what epoll said of a side.
  void ready(LinkSide side, uint32_t events);

  // Moves all that can and may be moved now.
  void pump(Time now);

  // When to pump again although nothing was heard; absent: not before.
  std::optional<Time> wakeAt() const { return wakeAt_; }

  // The events that a side waits for, besides those that epoll always reports. Absent: it must not
  // be watched, because what is gone would be reported for ever.
  std::optional<uint32_t> interest(LinkSide side) const;
  int descriptor(LinkSide side) const { return sides_[static_cast<int>(side)].socket.get(); }
  uint64_t number() const { return number_; }

  // Nothing is left to do; the sockets are closed with the object, or were reset.
  bool over() const { return over_; }

  void setFaults(const muster::ProxyFaults& faults);
  void setBlackhole(muster::ProxyFlow flow);
  void reset();
  void cut(Time now);
  void halfClose(muster::ProxyFlow flow);

 private:
  struct Side {
    Descriptor socket;
    bool readable = true;  // Until a read says otherwise.
    bool writable = true;
    bool ended = false;  // It sends no more.
    bool gone = false;   // It neither sends nor takes any more.
    bool shut = false;   // We send it no more.
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
  Direction directions_[2];  // To the target, to the client.
  bool connecting_ = true;
  bool over_ = false;
  std::optional<Time> wakeAt_;
  std::optional<Time> closeBy_;  // After a cut, for peers that do not end.
};

}  // namespace harness
