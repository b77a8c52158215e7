// Decides what happens to one direction of one connection.
//
// Bytes go in when they arrive, and writes and faults come out when they are due. It uses no
// sockets and no clock: the caller passes the time, and all chance follows from the seed.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <muster/fault_proxy.h>

namespace harness {

// Returns a number that looks random and depends on nothing but the arguments.
uint64_t drawn(uint64_t seed, uint64_t connection, muster::ProxyFlow flow, uint64_t what);

class FlowShaper {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Identity {
    uint64_t seed = 0;
    uint64_t connection = 0;
    muster::ProxyFlow flow = muster::ProxyFlow::kToTarget;
  };

  struct Step {
    enum class Kind {
      // Do nothing until something arrives or the faults change.
      kIdle,
      // Do nothing before `at`.
      kWait,
      // Pass on `bytes`, or a beginning of them, then call wrote().
      kWrite,
      // Carry out this ByteFault::Kind. The shaper swallows from now on.
      kCut,
      kReset,
      kHalfClose,
      // End the sink in order, as the source did. All of its bytes were passed on.
      kEnd,
      // End the sink by a reset, as the source did. All of its bytes were passed on.
      kEndByReset
    };
    Kind kind = Kind::kIdle;
    Time at;
    std::string_view bytes;  // Valid until the next call.
  };

  enum class SourceEnd { kOrderly, kReset };

  FlowShaper(const Identity& identity, const muster::FlowFaults& faults, size_t bufferBytesMax);

  // Replaces the faults. Byte faults at places that were passed are ignored.
  void setFaults(const muster::FlowFaults& faults);
  void beginBlackhole() { faults_.blackhole = true; }

  // The number of bytes that may arrive now.
  size_t room() const;
  void arrived(std::string_view bytes, Time now);
  void sourceEnded(SourceEnd how, Time now);

  // Returns the step that is due now. Steps other than kIdle, kWait and kWrite are returned once.
  Step next(Time now);
  void wrote(size_t bytes, Time now);

  // Stops passing bytes on. Those that arrive from now on are counted and dropped.
  void swallow();

  // Makes a half close due, behind the bytes that have arrived so far.
  void halfClose();

  // True when no byte will arrive and no step will come any more.
  bool over() const { return passedEnd_ || (swallowing_ && end_); }

  uint64_t passedBytes() const { return passedTo_; }

  // Returns the byte faults that happened since the last call.
  std::vector<muster::FaultDecision> takeDecisions();

  // Returns the number of bytes that were dropped since the last call.
  uint64_t takeSwallowedBytes();

 private:
  struct Arrival {
    uint64_t endOffset;
    Time at;
  };
  struct Place {
    uint64_t offset;
    muster::ByteFault::Kind kind;
  };

  size_t buffered() const { return buffer_.size() - head_; }
  std::optional<Step> hit(Time now);
  void enterPiece();
  Time dueAt() const;
  Step endStep(Time now);
  void record(muster::ByteFault::Kind kind, uint32_t bit);

  Identity identity_;
  muster::FlowFaults faults_;
  size_t bufferBytesMax_;
  std::string buffer_;  // From head_ on, it holds the bytes that were not passed on.
  size_t head_ = 0;
  std::deque<Arrival> arrivals_;  // Arrivals with bytes that were not passed on.
  std::deque<Place> places_;      // Places of faults that have not happened, in order.
  uint64_t passedTo_ = 0;
  uint64_t pieceEnd_ = 0;  // The next piece is not drawn yet if this is at or below passedTo_.
  std::chrono::nanoseconds pieceJitter_{0};
  Time free_{};     // The rate allows the next write from then on.
  Time lastDue_{};  // No byte is due before this, so that jitter keeps the order.
  std::optional<SourceEnd> end_;
  Time endedAt_{};
  bool passedEnd_ = false;
  bool swallowing_ = false;
  uint64_t swallowedBytes_ = 0;
  std::vector<muster::FaultDecision> decisions_;
};

}  // namespace harness
