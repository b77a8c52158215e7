// Reads a command's bulk output in ranges, several of which are asked for before the first is
// answered: neither end then waits while the other computes. What an answer means is not decided
// here (job_runner.h).
#pragma once

#include <stdint.h>

#include <deque>

#include "harness/rpc/connection.h"
#include "harness/rpc/file/send_window.h"
#include "schema/job.capnp.h"

namespace harness {

// The ranges of one command, on the io thread. What was asked for ahead is dropped when nobody
// wants it for some seconds, so that a reader who stops holds nothing.
class ReadAhead {
 public:
  using Response = capnp::Response<wire::Jobs::FollowResults>;

  struct Range {
    // The number of the command.
    uint64_t job = 0;

    // The offset below which all of standard output has come.
    uint64_t outputFrom = 0;
    uint64_t errorsFrom = 0;

    // The size of one range.
    uint32_t bytes = 0;

    // The most bytes that all ranges under way have together.
    uint64_t aheadBytesMax = 0;
    std::chrono::nanoseconds wait{};
  };

  // Borrows `loop`.
  explicit ReadAhead(Loop& loop) : loop_(loop) {}

  // Returns the answer for the range at outputFrom, which may have been asked for before, and asks
  // for the ranges behind it. Questions over another connection, or from other offsets, are
  // dropped.
  kj::Promise<Response> next(EstablishedConnection& live, const Range& range);

  // Takes in that an answer of `next` came `took` after it was asked for.
  void note(std::chrono::nanoseconds took) { window_.note(took); }

  // The time at which the answer that `next` gave last was asked for.
  SteadyTime askedAt() const { return askedAt_; }

  // True once `next` was not called for some seconds: the object need not be kept.
  bool isForgotten() const { return isForgotten_; }

 private:
  struct Asked {
    uint64_t outputFrom;
    SteadyTime at;
    kj::Promise<Response> answer;
  };

  void ask(EstablishedConnection& live, const Range& range);

  Loop& loop_;
  SendWindow window_;

  // The number of the connection that carries the questions in asked_.
  uint64_t connection_ = 0;

  // The offset behind the last range that was asked for.
  uint64_t next_ = 0;
  SteadyTime askedAt_;
  std::deque<Asked> asked_;
  bool isForgotten_ = false;
  kj::Promise<void> forgetting_ = nullptr;
};

}  // namespace harness
