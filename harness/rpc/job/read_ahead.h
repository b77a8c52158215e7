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
    uint64_t job = 0;         // Its number.
    uint64_t outputFrom = 0;  // All of standard output below it has come.
    uint64_t errorsFrom = 0;
    uint32_t bytes = 0;          // Of one range.
    uint64_t aheadBytesMax = 0;  // Of all that are asked for at a time.
    std::chrono::nanoseconds wait{};
    bool release = false;  // See Follow.releaseTo.
  };

  // Borrows `loop`.
  explicit ReadAhead(Loop& loop) : loop_(loop) {}

  // The answer for the range at outputFrom, which may have been asked for before; asks for those
  // behind it. What was asked for over another connection, or from other offsets, is forgotten.
  kj::Promise<Response> next(EstablishedConnection& live, const Range& range);

  // An answer of `next` came so long after it was asked for.
  void note(std::chrono::nanoseconds took) { window_.note(took); }

  // When the answer that `next` gave last was asked for.
  SteadyTime askedAt() const { return askedAt_; }

  // Nobody has asked for so long that it need not be kept.
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
  uint64_t connection_ = 0;  // Over which asked_ went.
  uint64_t next_ = 0;        // Behind what was asked for.
  SteadyTime askedAt_;
  std::deque<Asked> asked_;
  bool isForgotten_ = false;
  kj::Promise<void> forgetting_ = nullptr;
};

}  // namespace harness
