// Steers commands that were sent: their input, signals, terminal and release. Sending and following
// them is in job_runner.cc.
#include <algorithm>

#include "harness/rpc/bytes.h"
#include "harness/rpc/job/job_runner.h"
#include "schema/support/base/crc32c.h"

namespace harness {
namespace {

using std::chrono::nanoseconds;

// Input is offered again after this time when the agent's input window was full.
constexpr std::chrono::milliseconds kInputRetry{20};
constexpr size_t kInputChunkBytes = 64 << 10;

// A release is given up after this time; the node then forgets the command by itself, later.
constexpr std::chrono::minutes kReleaseMax{5};

}  // namespace

// Sends the rest of `bytes` by one chunk, and goes on behind what the agent says it has accepted.
// The offset makes a chunk harmless that is sent again after a lost answer. An agent that accepted
// nothing has a full window, and is asked again after a pause.
kj::Promise<void> JobRunner::writeInput(JobHandle job, std::string bytes, AfterInput after,
                                        SteadyTime until) {
  uint64_t begin = job->inputOffset;
  uint64_t target = begin + bytes.size();
  auto attempt = [this, job, begin, bytes,
                  after](EstablishedConnection& live) -> kj::Promise<uint64_t> {
    return ready(live, job).then([job, begin, bytes, after,
                                  &live](bool isThere) -> kj::Promise<uint64_t> {
      if (!isThere) return support::failure(wire::Error::Kind::EXPIRED, "the command is lost");
      size_t at = job->inputOffset - begin;
      size_t count = std::min({bytes.size() - at, kInputChunkBytes, size_t{live.chunkBytesMax}});
      auto data = dataOf(bytes).slice(at, at + count);
      auto request = live.get<wire::Jobs>().writeInputRequest();
      request.setNumber(job->number);
      auto chunk = request.initChunk();
      chunk.setOffset(job->inputOffset);
      chunk.setData(data);
      chunk.setCrc32c(support::crc32c(data));
      request.setEnd(after == AfterInput::kEnds && at + count == bytes.size());
      return request.send().then([](auto&& response) {
        requireNoError(response);
        return response.getAcceptedTo();
      });
    });
  };
  return connection_.call<uint64_t>(until, attempt)
      .then([this, job, bytes = kj::mv(bytes), after, until, begin,
             target](uint64_t accepted) mutable -> kj::Promise<void> {
        bool stuck = accepted <= job->inputOffset && job->inputOffset < target;
        accepted = std::min(std::max(accepted, job->inputOffset), target);
        job->inputOffset = accepted;
        if (accepted == target) return kj::READY_NOW;
        std::string rest = bytes.substr(accepted - begin);
        auto pause = stuck ? connection_.loop().timer().afterDelay(
                                 nanoseconds(kInputRetry).count() * kj::NANOSECONDS)
                           : kj::Promise<void>(kj::READY_NOW);
        return pause.then([this, job, rest = kj::mv(rest), after, until]() mutable {
          return writeInput(job, kj::mv(rest), after, until);
        });
      });
}

// Makes the request that `send` sends over `live`, once the command is there. Does nothing for a
// command that is lost, or that was not sent yet.
template <typename Send>
kj::Promise<void> JobRunner::tell(JobHandle job, SteadyTime until, Send send) {
  auto attempt = [this, job, send](EstablishedConnection& live) -> kj::Promise<bool> {
    if (job->generation == 0) return true;
    return ready(live, job).then([&live, send](bool isThere) -> kj::Promise<bool> {
      if (!isThere) return true;
      return send(live).then([](auto&& response) {
        requireNoError(response);
        return true;
      });
    });
  };
  return connection_.call<bool>(until, attempt).ignoreResult();
}

kj::Promise<void> JobRunner::signal(JobHandle job, int number, muster::SignalTarget target,
                                    SteadyTime until) {
  return tell(job, until, [job, number, target](EstablishedConnection& live) {
    auto request = live.get<wire::Jobs>().signalRequest();
    request.setNumber(job->number);
    request.setSignal(number);
    request.setTarget(target == muster::SignalTarget::kAll ? wire::Jobs::Target::ALL
                                                           : wire::Jobs::Target::PROCESS);
    return request.send();
  });
}

kj::Promise<void> JobRunner::cancel(JobHandle job, nanoseconds grace, SteadyTime until) {
  return tell(job, until, [job, grace](EstablishedConnection& live) {
    auto request = live.get<wire::Jobs>().cancelRequest();
    request.setNumber(job->number);
    request.setGraceNs(grace.count());
    return request.send();
  });
}

kj::Promise<void> JobRunner::resize(JobHandle job, uint16_t columns, uint16_t rows,
                                    SteadyTime until) {
  return tell(job, until, [job, columns, rows](EstablishedConnection& live) {
    auto request = live.get<wire::Jobs>().resizeRequest();
    request.setNumber(job->number);
    request.setColumns(columns);
    request.setRows(rows);
    return request.send();
  });
}

kj::Promise<void> JobRunner::released(SteadyTime until) {
  if (releases_->isEmpty()) return kj::READY_NOW;
  return releases_->onEmpty().exclusiveJoin(
      connection_.loop().timer().afterDelay(left(until).count() * kj::NANOSECONDS));
}

// A command of a session is acknowledged by the next `run` of that session, which costs no request
// of its own. Without a next one the end of the session forgets it.
void JobRunner::release(JobHandle handle) {
  const JobState& job = *handle;
  if (!job.ended || job.generation == 0) return;
  if (job.request.options.lifetime == muster::CommandLifetime::kDetached) {
    releases_->add(tell(handle, now() + kReleaseMax, [handle](EstablishedConnection& live) {
      auto request = live.get<wire::Jobs>().acknowledgeRequest();
      request.initNumbers(1).set(0, handle->number);
      return request.send();
    }));
    return;
  }
  if (spentGeneration_ != job.generation) {
    if (spentGeneration_ > job.generation) return;
    spent_.clear();
    spentGeneration_ = job.generation;
  }
  spent_.push_back(job.number);
  std::sort(spent_.begin(), spent_.end());
}

}  // namespace harness
