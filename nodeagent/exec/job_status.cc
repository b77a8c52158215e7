#include "nodeagent/exec/job_status.h"

#include <string.h>

#include <kj/debug.h>

#include "schema/support/base/crc32c.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::exec {
namespace {

constexpr uint64_t kStatusWords = 256;

// Output and errors share the bytes of one answer. Each gets at least half of them if it has as
// many.
struct Shares {
  uint64_t output = 0;
  uint64_t errors = 0;
};

uint64_t availableOf(const OutputStream* stream, uint64_t from) {
  return stream == nullptr ? 0 : stream->buffer().available(from);
}

Shares divide(const Job& job, const FollowWish& wish) {
  uint64_t output = availableOf(job.output(), wish.outputFrom);
  uint64_t errors = availableOf(job.errors(), wish.errorsFrom);
  Shares shares;
  shares.errors =
      kj::min(errors, kj::max(wish.bytesMax / 2, wish.bytesMax - kj::min(output, wish.bytesMax)));
  shares.output = kj::min(output, wish.bytesMax - shares.errors);
  return shares;
}

bool bringsRest(const OutputStream* stream, uint64_t from, uint64_t size) {
  return stream == nullptr ||
         stream->buffer().readFrom(from) + size >= stream->buffer().retainedTo();
}

// Returns how many turns of the order an answer carries. They come with the last bytes only,
// because an ended job with much output takes several answers.
unsigned turnsFor(const Job& job, const FollowWish& wish, const Shares& shares) {
  bool isLast = job.hasEnded() && bringsRest(job.output(), wish.outputFrom, shares.output) &&
                bringsRest(job.errors(), wish.errorsFrom, shares.errors);
  return isLast ? static_cast<unsigned>(job.order().size()) : 0;
}

uint64_t aheadBytesMax(const OutputStream* output) {
  return output == nullptr ? 0 : output->buffer().aheadBytesMax();
}

void checkOffset(const OutputStream* stream, uint64_t offset, uint64_t aheadBytesMax,
                 kj::StringPtr field) {
  uint64_t produced = stream == nullptr ? 0 : stream->buffer().producedBytes();
  if (offset > produced + aheadBytesMax) {
    support::fail(wire::Error::Kind::INVALID, "follow.", field, ": ", offset, " is beyond the ",
                  produced, " bytes that were produced");
  }
}

wire::JobOutcome::OutOfMemory outOfMemory(MemoryKill kill) {
  switch (kill) {
    case MemoryKill::kUnknown:
      break;
    case MemoryKill::kNo:
      return wire::JobOutcome::OutOfMemory::NO;
    case MemoryKill::kPerhaps:
      return wire::JobOutcome::OutOfMemory::PERHAPS;
    case MemoryKill::kYes:
      return wire::JobOutcome::OutOfMemory::YES;
  }
  return wire::JobOutcome::OutOfMemory::UNKNOWN;
}

template <typename Builder>
void writeExit(const Job& job, Builder builder) {
  auto& exit = job.exit();
  if (exit.signalled) {
    auto signal = builder.initSignalled();
    signal.setNumber(exit.value);
    signal.setCoreDumped(exit.coreDumped);
    signal.setOutOfMemory(outOfMemory(job.memoryKill()));
  } else {
    builder.setExited(exit.value);
  }
}

void writeOutcome(const Job& job, wire::JobOutcome::Builder outcome) {
  KJ_IF_MAYBE (failure, job.notStarted()) {
    support::writeError(outcome.initNotStarted(), *failure);
    outcome.setFailedStep(job.failedStep());
    return;
  }
  if (job.exit().taken) {
    auto lost = outcome.initLost();
    lost.setReason(wire::JobOutcome::Lost::Reason::RECORD_DAMAGED);
    lost.setText("another part of the agent took the exit status");
    return;
  }
  switch (job.reason()) {
    case StopReason::kNone:
      return writeExit(job, outcome);
    case StopReason::kDeadline:
      return writeExit(job, outcome.initDeadline());
    case StopReason::kCancelled:
      return writeExit(job, outcome.initCancelled());
    case StopReason::kOutputLimit:
      return writeExit(job, outcome.initOutputLimit());
    case StopReason::kSessionEnded:
      return writeExit(job, outcome.initSessionEnded());
  }
}

wire::JobStatus::Stopping stoppingOf(StopReason reason) {
  switch (reason) {
    case StopReason::kNone:
      break;
    case StopReason::kDeadline:
      return wire::JobStatus::Stopping::DEADLINE;
    case StopReason::kCancelled:
      return wire::JobStatus::Stopping::CANCELLED;
    case StopReason::kOutputLimit:
      return wire::JobStatus::Stopping::OUTPUT_LIMIT;
    case StopReason::kSessionEnded:
      return wire::JobStatus::Stopping::SESSION_ENDED;
  }
  return wire::JobStatus::Stopping::NONE;
}

void writeStream(const OutputStream* stream, bool jobHasEnded,
                 wire::JobStatus::StreamStatus::Builder status) {
  if (stream == nullptr) {
    status.setEnded(jobHasEnded);
    if (jobHasEnded) status.setSha256(kj::arrayPtr(support::Sha256::of(nullptr).data(), 32));
    return;
  }
  auto& buffer = stream->buffer();
  status.setProducedBytes(buffer.producedBytes());
  status.setDroppedBytes(buffer.droppedBytes());
  status.setRetainedFrom(buffer.retainedFrom());
  status.setRetainedTo(buffer.retainedTo());
  status.setEnded(stream->ended());
  if (stream->ended())
    status.setSha256(kj::arrayPtr(stream->digest().data(), stream->digest().size()));
}

using StreamOf = OutputStream* (Job::*)();

// Reads a chunk from its file. A reader that left it too late, because others released the bytes or
// newer ones replaced them, gets none and the offset from which there are some.
kj::Promise<void> fetchChunk(Job& job, StreamOf streamOf, uint64_t size,
                             wire::Chunk::Builder chunk) {
  uint64_t offset = chunk.getOffset();
  return (job.*streamOf)()
      ->buffer()
      .fetch(offset, size)
      .then([&job, streamOf, offset, chunk](kj::Array<kj::byte>&& bytes) mutable {
        auto& buffer = KJ_ASSERT_NONNULL((job.*streamOf)(), "the job was dropped").buffer();
        if (buffer.isIntact(offset)) {
          memcpy(chunk.getData().begin(), bytes.begin(), bytes.size());
          chunk.setCrc32c(support::crc32c(bytes));
        } else {
          chunk.setOffset(buffer.readFrom(offset));
          chunk.disownData();
        }
      });
}

kj::Maybe<kj::Promise<void>> writeChunk(Job& job, StreamOf streamOf, uint64_t from, uint64_t size,
                                        wire::Chunk::Builder chunk) {
  OutputStream* stream = (job.*streamOf)();
  chunk.setOffset(stream == nullptr ? from : stream->buffer().readFrom(from));
  if (size == 0) return nullptr;
  auto data = chunk.initData(static_cast<unsigned>(size));
  if (!stream->buffer().read(chunk.getOffset(), data)) {
    return fetchChunk(job, streamOf, size, chunk);
  }
  chunk.setCrc32c(support::crc32c(data));
  return nullptr;
}

}  // namespace

FollowWish readFollow(wire::Follow::Reader follow, const Job& job, const JobLimits& limits) {
  uint64_t ahead = follow.getBytesMin() > 0 ? aheadBytesMax(job.output()) : 0;
  checkOffset(job.output(), follow.getOutputFrom(), ahead, "outputFrom");
  checkOffset(job.errors(), follow.getErrorsFrom(), 0, "errorsFrom");
  if (follow.getOutputStoredTo() > follow.getOutputFrom()) {
    support::fail(wire::Error::Kind::INVALID, "follow.outputStoredTo: ", follow.getOutputStoredTo(),
                  " is beyond outputFrom, ", follow.getOutputFrom());
  }
  if (follow.getUntil() > wire::Follow::Until::ENDED) {
    support::fail(wire::Error::Kind::INVALID, "follow.until: ", static_cast<int>(follow.getUntil()),
                  " is not known to this agent");
  }
  FollowWish wish;
  wish.outputFrom = follow.getOutputFrom();
  wish.errorsFrom = follow.getErrorsFrom();
  wish.bytesMax = kj::min(uint64_t{follow.getBytesMax()}, limits.chunkBytesMax);
  wish.bytesMin = kj::min(uint64_t{follow.getBytesMin()}, wish.bytesMax);
  wish.waitNs = follow.getWaitNs();
  wish.until = follow.getUntil();
  return wish;
}

void writeStatus(const Job& job, wire::JobStatus::Builder status) {
  bool hasEnded = job.hasEnded();
  status.setState(hasEnded ? wire::JobStatus::State::ENDED : wire::JobStatus::State::RUNNING);
  if (hasEnded) writeOutcome(job, status.initOutcome());
  if (!hasEnded) status.setStopping(stoppingOf(job.reason()));
  status.setPid(job.pid());
  status.setStartedRealtimeNs(job.startedRealtimeNs());
  status.setStartedBoottimeNs(job.startedBoottimeNs());
  status.setElapsedNs(job.elapsedNs());
  writeStream(job.output(), hasEnded, status.initOutput());
  writeStream(job.errors(), hasEnded, status.initErrors());
  status.setInputAcceptedTo(job.inputAcceptedTo());
  auto holders = job.holders();
  if (holders.size() > 0) {
    auto list = status.initHolders(static_cast<unsigned>(holders.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setPid(holders[i].pid);
      list[i].setCommand(holders[i].command);
    }
  }
  status.setLeftRunning(job.leftRunning());
  auto usage = status.initUsage();
  usage.setCpuUserNs(job.exit().cpuUserNs);
  usage.setCpuSystemNs(job.exit().cpuSystemNs);
  usage.setResidentBytesMax(job.exit().residentBytesMax);
}

kj::Maybe<kj::Promise<void>> writeProgress(Job& job, const FollowWish& wish,
                                           wire::JobProgress::Builder progress) {
  writeStatus(job, progress.initStatus());
  progress.setAheadBytesMax(static_cast<uint32_t>(aheadBytesMax(job.output())));
  auto shares = divide(job, wish);
  if (unsigned turns = turnsFor(job, wish, shares)) {
    auto order = progress.initOrder(turns);
    for (unsigned i = 0; i < turns; ++i) order.set(i, job.order()[i]);
  }
  auto output =
      writeChunk(job, &Job::output, wish.outputFrom, shares.output, progress.initOutput());
  auto errors =
      writeChunk(job, &Job::errors, wish.errorsFrom, shares.errors, progress.initErrors());
  KJ_IF_MAYBE (first, output) {
    KJ_IF_MAYBE (second, errors) {
      return kj::joinPromises(kj::arr(kj::mv(*first), kj::mv(*second)));
    }
    return kj::mv(*first);
  }
  return errors;
}

uint64_t progressWords(const Job& job, const FollowWish& wish) {
  auto shares = divide(job, wish);
  return kStatusWords + turnsFor(job, wish, shares) +
         (shares.output + shares.errors) / sizeof(capnp::word);
}

}  // namespace nodeagent::exec
