#include "harness/faultproxy/proxy_link.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>

namespace harness {

using Step = FlowShaper::Step;
using muster::ProxyFlow;

namespace {

constexpr size_t kReadBytes = 64 * 1024;
// The rounds of one pump are bounded, so that one busy connection does not stop the others.
constexpr int kRoundsMax = 64;
constexpr size_t kDecisionsMax = 100'000;
constexpr auto kLingerMax = std::chrono::seconds(1);

bool concerns(ProxyFlow asked, ProxyFlow flow) {
  return asked == ProxyFlow::kBoth || asked == flow;
}

}  // namespace

void FaultLedger::add(const muster::FaultDecision& decision) {
  ++counters.faults;
  if (decisions.size() < kDecisionsMax) decisions.push_back(decision);
}

ProxyLink::ProxyLink(const Options& options, Fd client, Fd target, FaultLedger& ledger)
    : ledger_(ledger),
      number_(options.number),
      sides_{{std::move(client)}, {std::move(target)}},
      directions_{{FlowShaper({options.seed, options.number, ProxyFlow::kToTarget},
                              options.faults.toTarget, options.bufferBytesMax),
                   sides_[0], sides_[1]},
                  {FlowShaper({options.seed, options.number, ProxyFlow::kToClient},
                              options.faults.toClient, options.bufferBytesMax),
                   sides_[1], sides_[0]}} {
  sides_[1].writable = false;
}

void ProxyLink::ready(LinkSide which, uint32_t events) {
  Side& side = sides_[static_cast<int>(which)];
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) side.readable = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) side.writable = true;
  if (events & (EPOLLHUP | EPOLLERR) && !(connecting_ && &side == &sides_[1])) side.gone = true;
}

std::optional<uint32_t> ProxyLink::interest(LinkSide which) const {
  const Side& side = sides_[static_cast<int>(which)];
  if (over_ || side.gone) return std::nullopt;
  const Direction& from = directions_[static_cast<int>(which)];
  bool wantsRead = !side.readable && !side.ended && from.shaper.room() > 0;
  return (wantsRead ? uint32_t{EPOLLIN} : 0u) | (side.writable ? 0u : uint32_t{EPOLLOUT});
}

bool ProxyLink::connected() {
  if (!connecting_) return true;
  if (!sides_[1].writable) return false;
  if (connectError(sides_[1].socket.get()) != 0) {
    ++ledger_.counters.unreachable;
    reset();
    return false;
  }
  connecting_ = false;
  return true;
}

bool ProxyLink::read(Direction& direction, Time now) {
  Side& source = direction.source;
  size_t room = direction.shaper.room();
  if (!source.readable || source.ended || room == 0) return false;
  char buffer[kReadBytes];
  ssize_t count = recv(source.socket.get(), buffer, std::min(room, sizeof(buffer)), 0);
  if (count > 0) {
    direction.shaper.arrived({buffer, static_cast<size_t>(count)}, now);
    return true;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    source.readable = errno == EINTR;
    // EAGAIN from a side that is gone is its end, because nothing more will come.
    if (!source.gone) return false;
  }
  source.ended = true;
  direction.shaper.sourceEnded(
      count == 0 ? FlowShaper::SourceEnd::kOrderly : FlowShaper::SourceEnd::kReset, now);
  return true;
}

bool ProxyLink::write(Direction& direction, const Step& step, Time now) {
  Side& sink = direction.sink;
  if (!sink.writable) return false;
  ssize_t count = send(sink.socket.get(), step.bytes.data(), step.bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) {
    auto bytes = static_cast<size_t>(count);
    direction.shaper.wrote(bytes, now);
    ++ledger_.counters.writes;
    bool toTarget = &direction == &directions_[0];
    (toTarget ? ledger_.counters.bytesToTarget : ledger_.counters.bytesToClient) += bytes;
    return true;
  }
  if (errno == EAGAIN || errno == EINTR) {
    sink.writable = errno == EINTR;
    return false;
  }
  // The sink is gone. The other direction learns that by reading, and tells the source.
  sink.gone = true;
  sink.readable = true;
  direction.shaper.swallow();
  return true;
}

bool ProxyLink::act(Direction& direction, const Step& step, Time now) {
  switch (step.kind) {
    case Step::Kind::kIdle:
      return false;
    case Step::Kind::kWait:
      wakeNoLaterThan(step.at);
      return false;
    case Step::Kind::kWrite:
      return write(direction, step, now);
    case Step::Kind::kCut:
      cut(now);
      return true;
    case Step::Kind::kReset:
    case Step::Kind::kEndByReset:
      reset();
      return true;
    case Step::Kind::kHalfClose:
    case Step::Kind::kEnd:
      if (!direction.sink.shut) shutdown(direction.sink.socket.get(), SHUT_WR);
      direction.sink.shut = true;
      return true;
  }
  return false;
}

bool ProxyLink::pumpOnce(Direction& direction, Time now) {
  if (over_) return false;
  bool moved = read(direction, now);
  Step step = direction.shaper.next(now);
  collect(direction);
  return act(direction, step, now) || moved;
}

void ProxyLink::pump(Time now) {
  wakeAt_.reset();
  if (over_ || !connected()) return;
  for (int round = 0; round < kRoundsMax; ++round) {
    bool toTarget = pumpOnce(directions_[0], now);
    bool toClient = pumpOnce(directions_[1], now);
    if (!toTarget && !toClient) break;
    if (round + 1 == kRoundsMax) wakeNoLaterThan(now);
  }
  for (Direction& direction : directions_) collect(direction);
  settle(now);
}

// Ends the link when no side is left to which bytes or an end could be passed.
void ProxyLink::settle(Time now) {
  if (over_) return;
  if (closeBy_) wakeNoLaterThan(*closeBy_);
  bool passed = directions_[0].shaper.over() && directions_[1].shaper.over();
  bool deserted = sides_[0].gone && sides_[1].gone;
  if (passed || deserted || (closeBy_ && now >= *closeBy_)) over_ = true;
}

void ProxyLink::collect(Direction& direction) {
  for (const muster::FaultDecision& decision : direction.shaper.takeDecisions()) {
    ledger_.add(decision);
  }
  ledger_.counters.swallowedBytes += direction.shaper.takeSwallowedBytes();
}

void ProxyLink::wakeNoLaterThan(Time at) {
  wakeAt_ = wakeAt_ ? std::min(*wakeAt_, at) : at;
}

void ProxyLink::setFaults(const muster::ProxyFaults& faults) {
  directions_[0].shaper.setFaults(faults.toTarget);
  directions_[1].shaper.setFaults(faults.toClient);
}

void ProxyLink::setBlackhole(ProxyFlow flow) {
  if (concerns(flow, ProxyFlow::kToTarget)) directions_[0].shaper.beginBlackhole();
  if (concerns(flow, ProxyFlow::kToClient)) directions_[1].shaper.beginBlackhole();
}

void ProxyLink::reset() {
  over_ = true;
  for (Side& side : sides_) closeWithReset(side.socket);
}

void ProxyLink::cut(Time now) {
  for (Direction& direction : directions_) {
    direction.shaper.swallow();
    if (!direction.sink.shut) shutdown(direction.sink.socket.get(), SHUT_WR);
    direction.sink.shut = true;
  }
  closeBy_ = now + kLingerMax;
}

void ProxyLink::halfClose(ProxyFlow flow) {
  for (size_t i = 0; i < 2; ++i) {
    ProxyFlow own = i == 0 ? ProxyFlow::kToTarget : ProxyFlow::kToClient;
    if (concerns(flow, own)) directions_[i].shaper.halfClose();
  }
}

}  // namespace harness
