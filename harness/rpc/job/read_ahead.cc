// Keeps the questions for the next ranges of a command's output under way.
#include "harness/rpc/job/read_ahead.h"

#include <utility>

namespace harness {
namespace {

// Answers that nobody takes are kept this long.
constexpr auto kKeptFor = 5 * kj::SECONDS;

}  // namespace

// Answers from the oldest question if it was about this very range, over this connection. Other
// questions are about bytes that nobody waits for: they are dropped, and the asking begins anew.
// The window then bounds what is under way by what the link carries, and aheadBytesMax bounds it by
// what the agent holds.
kj::Promise<ReadAhead::Response> ReadAhead::next(EstablishedConnection& live, const Range& range) {
  bool goesOn = connection_ == live.number && !asked_.empty() &&
                asked_.front().outputFrom == range.outputFrom;
  if (!goesOn) {
    asked_.clear();
    connection_ = live.number;
    next_ = range.outputFrom;
  }
  uint64_t end = range.outputFrom + range.aheadBytesMax;
  while (asked_.empty() || (window_.allows(asked_.size()) && next_ + range.bytes <= end)) {
    ask(live, range);
  }
  Asked first = std::move(asked_.front());
  asked_.pop_front();
  askedAt_ = first.at;
  isForgotten_ = false;
  forgetting_ = loop_.timer()
                    .afterDelay(kKeptFor)
                    .then([this]() {
                      asked_.clear();
                      isForgotten_ = true;
                    })
                    .eagerlyEvaluate(nullptr);
  return kj::mv(first.answer);
}

void ReadAhead::ask(EstablishedConnection& live, const Range& range) {
  auto request = live.get<wire::Jobs>().followRequest();
  request.setNumber(range.job);
  auto follow = request.initFollow();
  follow.setOutputFrom(next_);
  follow.setOutputStoredTo(range.outputFrom);
  follow.setErrorsFrom(range.errorsFrom);
  follow.setBytesMax(range.bytes);
  follow.setBytesMin(range.bytes);
  follow.setWaitNs(range.wait.count());
  follow.setReleaseTo(true);
  asked_.push_back({next_, loop_.now(), request.send()});
  next_ += range.bytes;
}

}  // namespace harness
