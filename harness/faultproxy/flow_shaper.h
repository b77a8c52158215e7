// What happens to one direction of one connection, without sockets: bytes go in when they arrive,
// and out come the writes and faults that are due. The time is the caller's, the chance is the
// seed's.
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

// A number that looks random and depends on nothing but its arguments.
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
      kIdle,       // Nothing to do until something arrives or the faults change.
      kWait,       // Nothing to do before `at`.
      kWrite,      // Pass on `bytes`, or a beginning of them, then call wrote().
      kCut,        // See ByteFault::Kind. The shaper swallows from now on.
      kReset,      //
      kHalfClose,  //
      kEnd,        // The source ended, and all that it sent was passed on: end the sink likewise.
      kEndByReset  // The same for a source that ended by a reset.
    };
    Kind kind = Kind::kIdle;
    Time at;
    std::string_view bytes;  // Valid until the next call.
  };

  enum class SourceEnd { kOrderly, kReset };

  FlowShaper(const Identity& identity, const muster::FlowFaults& faults, size_t bufferBytesMax);

  // Byte faults at places that were passed are left out.
  void setFaults(const muster::FlowFaults& faults);
  void beginBlackhole() { faults_.blackhole = true; }

  // How many bytes may arrive now.
  size_t room() const;
  void arrived(std::string_view bytes, Time now);
  void sourceEnded(SourceEnd how, Time now);

  // What is due now. A step other than kIdle, kWait and kWrite is given once.
  Step next(Time now);
  void wrote(size_t bytes, Time now);

  // There is no use in passing on any more: what arrives is counted and dropped.
  void swallow();

  // A half close, behind what has arrived so far.
  void halfClose();

  // Nothing will come out any more, and nothing will go in.
  bool over() const { return passedEnd_ || (swallowing_ && end_); }

  uint64_t passedBytes() const { return passedTo_; }

  // Byte faults that hit since the last call.
  std::vector<muster::FaultDecision> takeDecisions();

  // Bytes that were dropped since the last call.
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
  std::string buffer_;  // From head_ on: what arrived and was not passed on.
  size_t head_ = 0;
  std::deque<Arrival> arrivals_;  // Whose bytes are not all passed on.
  std::deque<Place> places_;      // Of faults still to hit, in order.
  uint64_t passedTo_ = 0;
  uint64_t pieceEnd_ = 0;  // At or below passedTo_: the next piece is not drawn yet.
  std::chrono::nanoseconds pieceJitter_{0};
  Time free_{};     // When the rate allows the next write.
  Time lastDue_{};  // Keeps order: nothing is due before what was sent before it.
  std::optional<SourceEnd> end_;
  Time endedAt_{};
  bool passedEnd_ = false;
  bool swallowing_ = false;
  uint64_t swallowedBytes_ = 0;
  std::vector<muster::FaultDecision> decisions_;
};

}  // namespace harness
