// Gives commands their standard input, by offset and as fast as they read it.
//
// The bytes lie in one buffer that is shared by all that send from it, and only the offset moves:
// an input of any size costs one copy, which is into the messages.
#include <algorithm>

#include "harness/rpc/bytes.h"
#include "harness/rpc/job/job_runner.h"
#include "schema/support/base/crc32c.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;
using std::chrono::nanoseconds;

// A chunk that was offered, and what came of it.
struct Offer {
  size_t bytes = 0;
  uint64_t acceptedTo = 0;
};

// Input that was not taken in this time is taken for one that waits for the command.
constexpr auto kPullAfter = 50 * kj::MILLISECONDS;

// A pull returns at once when there is hardly any time left.
constexpr std::chrono::milliseconds kPullMargin{50};

}  // namespace

// A command that writes while it reads stops reading when nobody takes what it writes.
kj::Promise<void> JobRunner::writeAndPull(JobHandle job, SharedBytes bytes, AfterInput after,
                                          SteadyTime until) {
  auto written = writeInput(job, kj::mv(bytes), after, until);
  return written.exclusiveJoin(
      connection_.loop().timer().afterDelay(kPullAfter).then([this, job, until]() {
        return pullForEver(job, until);
      }));
}

kj::Promise<void> JobRunner::pullForEver(JobHandle job, SteadyTime until) {
  return pull(job, PullUntil::kChange, until).then([this, job, until](bool) -> kj::Promise<void> {
    // The writer ends by itself when the command has ended, and when the time is over.
    if (job->ended || left(until) <= kPullMargin) return kj::NEVER_DONE;
    return pullForEver(job, until);
  });
}

kj::Promise<void> JobRunner::writeInput(JobHandle job, SharedBytes bytes, AfterInput after,
                                        SteadyTime until) {
  if (!job->request->options.input.empty()) {
    return support::failure(wire::Error::Kind::CONFLICT,
                            "the input was given with the command, and ends there");
  }
  uint64_t begin = job->inputOffset;
  return feed(job, Input{begin, kj::mv(bytes), after}, until);
}

// Sends what is left of the input, one chunk at a time. The offset makes a chunk harmless that is
// sent again after a lost answer, and the answer says how much of it the agent took.
kj::Promise<void> JobRunner::feed(JobHandle job, Input input, SteadyTime until) {
  // A command that has ended reads nothing any more.
  if (job->endKnown) return kj::READY_NOW;
  auto attempt = [this, job, input](EstablishedConnection& live) -> kj::Promise<Offer> {
    return ready(live, job).then([job, input, &live](bool isThere) -> kj::Promise<Offer> {
      if (!isThere) return support::failure(wire::Error::Kind::EXPIRED, "the command is lost");
      size_t at = job->inputOffset - input.begin;
      size_t count = std::min(
          {input.bytes->size() - at, job->inputPace.chunkBytes(), size_t{live.chunkBytesMax}});
      auto data = dataOf(*input.bytes).slice(at, at + count);
      auto request = live.get<wire::Jobs>().writeInputRequest();
      request.setNumber(job->number);
      auto chunk = request.initChunk();
      chunk.setOffset(job->inputOffset);
      chunk.setData(data);
      chunk.setCrc32c(support::crc32c(data));
      request.setEnd(input.after == AfterInput::kEnds && at + count == input.bytes->size());
      return request.send().then([count](auto&& response) {
        requireNoError(response);
        return Offer{count, response.getAcceptedTo()};
      });
    });
  };
  return connection_.call<Offer>(until, attempt, job->scope)
      .then([this, job, input = kj::mv(input), until](Offer offer) mutable -> kj::Promise<void> {
        uint64_t target = input.begin + input.bytes->size();
        uint64_t accepted = std::clamp(offer.acceptedTo, job->inputOffset, target);
        job->inputPace.note(offer.bytes, accepted - job->inputOffset);
        job->inputOffset = accepted;
        if (accepted == target) return kj::READY_NOW;
        nanoseconds pause = job->inputPace.pause();
        auto paused = pause == nanoseconds(0)
                          ? kj::Promise<void>(kj::READY_NOW)
                          : connection_.loop().timer().afterDelay(pause.count() * kj::NANOSECONDS);
        return paused.then([this, job, input = kj::mv(input), until]() mutable {
          return feed(job, kj::mv(input), until);
        });
      });
}

// Sends the input that came with the request, in the background: a command may not read on before
// its output is read. A command whose input cannot be sent is ended, because it would wait for the
// rest until its deadline, and its pull then fails with the reason.
void JobRunner::feedRequested(JobHandle job) {
  bool isGiven = isInputStreamed(*job->request) && !job->request->options.input.empty();
  if (job->isFed || !isGiven) return;
  job->isFed = true;
  SharedBytes bytes(job->request, &job->request->options.input);
  background_->add(feed(job, Input{0, kj::mv(bytes), AfterInput::kEnds}, job->deadlineAt)
                       .catch_([this, job](kj::Exception&& exception) {
                         // The deadline, and the loss of the node, speak for themselves.
                         Kind kind = kindOf(exception);
                         bool isLate = kind == Kind::kTimeout || kind == Kind::kUnreachable;
                         if (isLate || job->ended || job->endKnown) return;
                         job->inputFailure = kj::mv(exception);
                         cancelLater(job, job->request->options.grace);
                       }));
}

}  // namespace harness
