#include "harness/rpc/job/job_runner.h"

#include <algorithm>

#include "harness/rpc/bytes.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/crc32c.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;
using std::chrono::nanoseconds;

constexpr std::chrono::seconds kFollowMax{20};  // The agent answers no later.
constexpr std::chrono::milliseconds kAnswerMargin{
    20};  // So that it answers before our own time is over.
constexpr std::chrono::milliseconds kDeadlineLook{20};
constexpr std::chrono::milliseconds kInputRetry{20};  // While the agent's input window is full.
constexpr std::chrono::milliseconds kLaunchRetry{2};

// Ranges of bulk output. At least so many fit into what the agent allows ahead: two of them bring
// as much in a round trip as one plain answer. A pause in the output soon ends that way of asking.
constexpr uint64_t kRangesAhead = 2;
constexpr std::chrono::milliseconds kRangeWaitMax{200};
constexpr uint64_t kHeldBytesMax = uint64_t{512} << 20;
constexpr size_t kInputChunkBytes = 64 << 10;
constexpr size_t kInlineInputBytes = 256 << 10;
constexpr uint64_t kRunWords = 256;  // Of most commands; others take a further segment.
constexpr unsigned kBadAnswersMax = 3;
constexpr std::chrono::minutes kReleaseMax{5};  // Then the node forgets it by itself, later.

}  // namespace

SteadyTime JobRunner::now() const {
  return connection_.loop().now();
}

nanoseconds JobRunner::left(SteadyTime until) const {
  return std::max(nanoseconds(0), nanoseconds(until - now()));
}

// Detached commands outlive the session that they were begun in.
bool isElsewhere(const EstablishedConnection& live, const JobState& job) {
  bool isDetached = job.request.options.lifetime == muster::CommandLifetime::kDetached;
  return isDetached && job.generation != 0 && job.generation != live.generation;
}

// If the agent begins with the command now.
SteadyTime JobRunner::deadlineFrom(const JobState& job) const {
  nanoseconds deadline = *job.request.options.deadline;
  return deadline < left(SteadyTime::max()) ? now() + deadline : SteadyTime::max();
}

JobHandle JobRunner::make(const JobRequest& request) {
  auto invalid = [](kj::StringPtr text) { support::fail(wire::Error::Kind::INVALID, text); };
  if (request.argv.empty()) invalid("argv: empty");
  if (!request.options.deadline || request.options.deadline->count() <= 0) {
    invalid("deadline: must be positive");
  }
  // Owned by the stub and by promises, see the header.
  auto job = std::make_shared<JobState>();
  job->number = numberNext_++;
  job->request = request;
  job->node = connection_.description().name;
  if (request.options.input.size() > kInlineInputBytes) job->request.input = JobInput::kStream;
  job->result.node = job->node;
  if (!connection_.description().addresses.empty()) {
    job->result.address = connection_.description().addresses.front();
  }
  job->result.argv = request.argv;
  job->result.deadline = *request.options.deadline;
  return job;
}

kj::Promise<bool> JobRunner::pull(JobHandle job, PullUntil what, SteadyTime until) {
  if (job->ended) return true;
  auto attempt = [this, job, what, until](EstablishedConnection& live) {
    nanoseconds wait = left(until);
    if (wait > kAnswerMargin) wait -= kAnswerMargin;
    // Just after its deadline, the agent is asked whether it is ending the command.
    nanoseconds toDeadline = left(job->deadlineAt);
    bool isBefore = now() < job->deadlineAt;
    if (isBefore && toDeadline < wait - kDeadlineLook) wait = toDeadline + kDeadlineLook;
    return step(live, job, what, std::min<nanoseconds>(wait, kFollowMax));
  };
  return connection_.call<Step>(until, attempt)
      .then(
          [this, job, what, until](Step step) -> kj::Promise<bool> {
            if (step == Step::kEnded) return true;
            if (step == Step::kProgress && what == PullUntil::kChange) return true;
            if (left(until) <= kAnswerMargin) return false;
            return pull(job, what, until);
          },
          [](kj::Exception&& exception) -> kj::Promise<bool> {
            if (kindOf(exception) == Kind::kTimeout) return false;
            return kj::mv(exception);
          });
}

kj::Promise<void> JobRunner::start(JobHandle job, SteadyTime until) {
  auto attempt = [this, job](EstablishedConnection& live) {
    return step(live, job, PullUntil::kChange, nanoseconds(0));
  };
  return connection_.call<Step>(until, attempt)
      .then([this, job, until](Step step) -> kj::Promise<void> {
        if (step == Step::kEnded || job->result.pid != 0) return kj::READY_NOW;
        // Taken, and still being launched.
        return connection_.loop()
            .timer()
            .afterDelay(nanoseconds(kLaunchRetry).count() * kj::NANOSECONDS)
            .then([this, job, until]() { return start(job, until); });
      });
}

kj::Promise<void> JobRunner::refresh(JobHandle job, SteadyTime until) {
  if (job->ended) return kj::READY_NOW;
  auto attempt = [this, job](EstablishedConnection& live) {
    return step(live, job, PullUntil::kChange, nanoseconds(0));
  };
  return connection_.call<Step>(until, attempt)
      .then([this, job, until](Step step) -> kj::Promise<void> {
        if (step != Step::kProgress) return kj::READY_NOW;
        return refresh(job, until);
      });
}

bool JobRunner::lostMeanwhile(EstablishedConnection& live, JobState& job) {
  if (job.generation == 0) job.generation = live.generation;
  if (job.generation == live.generation) return false;
  job.result.outcome = connection_.lostSince(job.generation);
  job.ended = true;
  return true;
}

// Takes a detached command over into the session of `live`. False: it is lost.
kj::Promise<bool> JobRunner::adopt(EstablishedConnection& live, JobHandle job) {
  auto request = live.get<wire::Jobs>().adoptRequest();
  auto ids = connection_.sessionsSince(job->generation);
  auto list = request.initSessionIds(static_cast<unsigned>(ids.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, ids[i].data());
  request.setNumber(job->number);
  auto lost = [this, job]() {
    if (job->ended) return false;  // Forgotten there.
    job->result.outcome = connection_.lostSince(job->generation);
    job->ended = true;
    return false;
  };
  auto answered = [this, job, lost,
                   generation = live.generation](auto&& response) -> kj::Promise<bool> {
    bool isUnknown =
        response.hasError() && response.getError().getKind() == wire::Error::Kind::NOT_FOUND;
    if (!isUnknown) requireNoError(response);
    // What the node never noted was never begun: it may be sent again.
    auto why = connection_.lostSince(job->generation).lostReason();
    bool isBegun = job->started || job->ended || why != muster::LostReason::kKeeperRestarted;
    if (isUnknown && isBegun) return lost();
    job->generation = generation;
    return true;
  };
  return request.send().then(kj::mv(answered),
                             [lost](kj::Exception&& exception) -> kj::Promise<bool> {
                               // An older agent notes nothing: whether it was begun cannot be
                               // known.
                               if (exception.getType() == kj::Exception::Type::UNIMPLEMENTED)
                                 return lost();
                               return kj::mv(exception);
                             });
}

// For calls that need the command to be there.
kj::Promise<bool> JobRunner::ready(EstablishedConnection& live, JobHandle job) {
  if (isElsewhere(live, *job)) return adopt(live, job);
  return !lostMeanwhile(live, *job);
}

kj::Promise<JobRunner::Step> JobRunner::step(EstablishedConnection& live, JobHandle job,
                                             PullUntil what, nanoseconds wait) {
  if (isElsewhere(live, *job)) {
    return adopt(live, job).then([this, &live, job, what, wait](bool isOurs) -> kj::Promise<Step> {
      if (!isOurs) return Step::kEnded;
      return step(live, job, what, wait);
    });
  }
  if (lostMeanwhile(live, *job)) return Step::kEnded;
  bool held = job->result.out.size() + job->result.err.size() > kHeldBytesMax;
  bool forgets = job->request.output == JobOutput::kTake || !held;
  if (job->rangeBytes > 0 && wait > nanoseconds(0)) {
    return stepAhead(live, job, std::min<nanoseconds>(wait, kRangeWaitMax),
                     forgets ? Release::kYes : Release::kNo);
  }
  auto fill = [&](wire::Follow::Builder follow) {
    follow.setOutputFrom(job->out.from);
    follow.setErrorsFrom(job->err.from);
    follow.setBytesMax(live.chunkBytesMax);
    follow.setWaitNs(wait.count());
    follow.setUntil(what == PullUntil::kEnded ? wire::Follow::Until::ENDED
                                              : wire::Follow::Until::CHANGE);
    follow.setReleaseTo(forgets);
  };
  if (!job->started) {
    if (job->deadlineAt == SteadyTime::max()) job->deadlineAt = deadlineFrom(*job);
    auto request = live.get<wire::Jobs>().runRequest(capnp::MessageSize{kRunWords, 0});
    request.setNumber(job->number);
    writeSpec(request.initSpec(), job->request);
    fill(request.initFollow());
    if (spentGeneration_ != live.generation) spent_.clear();
    std::vector<uint64_t> spent = spent_;
    request.setAcknowledge(kj::arrayPtr(spent.data(), spent.size()));
    return request.send().then([this, job, spent = kj::mv(spent)](auto&& response) {
      requireNoError(response);
      job->started = true;
      job->deadlineAt = deadlineFrom(*job);
      std::erase_if(spent_, [&](uint64_t number) {
        return std::binary_search(spent.begin(), spent.end(), number);
      });
      return absorb(*job, response.getProgress());
    });
  }
  auto request = live.get<wire::Jobs>().followRequest();
  request.setNumber(job->number);
  fill(request.initFollow());
  return request.send().then([this, job, most = live.chunkBytesMax](auto&& response) {
    return absorbFollow(*job, response, most);
  });
}

kj::Promise<JobRunner::Step> JobRunner::stepAhead(EstablishedConnection& live, JobHandle job,
                                                  nanoseconds wait, Release release) {
  std::erase_if(ahead_, [](const auto& entry) { return entry.second.isForgotten(); });
  auto& ahead = ahead_.try_emplace(job->number, connection_.loop()).first->second;
  ReadAhead::Range range;
  range.job = job->number;
  range.outputFrom = job->out.from;
  range.errorsFrom = job->err.from;
  range.bytes = job->rangeBytes;
  range.aheadBytesMax = job->aheadBytesMax;
  range.wait = wait;
  range.release = release == Release::kYes;
  auto answer = ahead.next(live, range);
  return answer.then([this, job, askedAt = ahead.askedAt(),
                      most = live.chunkBytesMax](ReadAhead::Response&& response) {
    auto known = ahead_.find(job->number);
    if (known != ahead_.end()) known->second.note(now() - askedAt);
    return absorbFollow(*job, response, most);
  });
}

JobRunner::Step JobRunner::absorbFollow(JobState& job, wire::Jobs::FollowResults::Reader results,
                                        uint32_t chunkBytesMax) {
  if (results.hasError() && results.getError().getKind() == wire::Error::Kind::NOT_FOUND) {
    job.result.outcome = muster::Outcome::lost(muster::LostReason::kRecordDamaged,
                                               "the agent does not know the command any more");
    job.ended = true;
    return Step::kEnded;
  }
  requireNoError(results);
  Step step = absorb(job, results.getProgress());
  chooseRange(job, results.getProgress(), chunkBytesMax);
  return step;
}

// A reader who is behind by whole ranges asks for several; one who gets less asks plainly again, so
// that what comes next comes at once.
void JobRunner::chooseRange(JobState& job, wire::JobProgress::Reader progress,
                            uint32_t chunkBytesMax) {
  uint64_t ahead = progress.getAheadBytesMax();
  auto bytes =
      static_cast<uint32_t>(std::min<uint64_t>({ahead / kRangesAhead, kChunkBytes, chunkBytesMax}));
  bool isFull = bytes > 0 && progress.getOutput().getData().size() >= bytes;
  bool goesOn = isFull && progress.getErrors().getData().size() == 0 && !job.ended;
  job.rangeBytes = goesOn ? bytes : 0;
  job.aheadBytesMax = ahead;
  if (!goesOn) ahead_.erase(job.number);
}

bool JobRunner::take(JobState& job, StreamState& stream, std::string& target,
                     wire::Chunk::Reader chunk) {
  auto data = chunk.getData();
  if (data.size() == 0) return true;
  if (chunk.getOffset() < stream.from || support::crc32c(data) != chunk.getCrc32c()) {
    if (++job.badAnswers > kBadAnswersMax) {
      support::fail(wire::Error::Kind::CORRUPT,
                    kj::str("output at offset ", stream.from, " does not match its check sum"));
    }
    return false;
  }
  if (chunk.getOffset() > stream.from) stream.whole = false;  // The overflow policy dropped some.
  stream.hash.update(data);
  stream.from = chunk.getOffset() + data.size();
  target.append(reinterpret_cast<const char*>(data.begin()), data.size());
  return true;
}

JobRunner::Step JobRunner::absorb(JobState& job, wire::JobProgress::Reader progress) {
  auto status = progress.getStatus();
  uint64_t before = job.out.from + job.err.from;
  bool good = take(job, job.out, job.result.out, progress.getOutput()) &&
              take(job, job.err, job.result.err, progress.getErrors());
  if (!good) return Step::kNothing;  // Asked again from the same offset.
  bool progressed = job.out.from + job.err.from > before;
  job.result.pid = status.getPid();
  job.result.elapsed = nanoseconds(status.getElapsedNs());
  job.result.outProducedBytes = status.getOutput().getProducedBytes();
  job.result.errProducedBytes = status.getErrors().getProducedBytes();
  job.result.outDroppedBytes = status.getOutput().getDroppedBytes();
  job.result.errDroppedBytes = status.getErrors().getDroppedBytes();
  bool late = status.getStopping() == wire::JobStatus::Stopping::DEADLINE;
  job.result.stillEnding = late;
  if (late) {
    job.result.outcome = muster::Outcome::killed(muster::Outcome::Kind::kDeadline, -1, 0);
  }
  // What a failed disk made the agent drop is not waited for.
  auto isRead = [](const StreamState& stream, wire::JobStatus::StreamStatus::Reader said) {
    return stream.from >= said.getRetainedTo() || said.getRetainedFrom() >= said.getRetainedTo();
  };
  bool drained = isRead(job.out, status.getOutput()) && isRead(job.err, status.getErrors());
  if (status.getState() == wire::JobStatus::State::ENDED) {
    job.endKnown = true;
    job.result.outcome = readOutcome(status.getOutcome());
    if (drained) {
      finish(job, status);
      return Step::kEnded;
    }
    if (!progressed && ++job.badAnswers > kBadAnswersMax) {
      support::fail(wire::Error::Kind::CORRUPT, "the agent promises output that it does not send");
    }
  }
  if (progressed) job.badAnswers = 0;
  return progressed ? Step::kProgress : Step::kNothing;
}

void JobRunner::finish(JobState& job, wire::JobStatus::Reader status) {
  auto check = [](const StreamState& stream, wire::JobStatus::StreamStatus::Reader said,
                  const char* name) {
    if (!stream.whole || said.getDroppedBytes() > 0 || said.getSha256().size() == 0) return;
    auto digest = stream.hash.digest();
    bool same = said.getSha256() == kj::arrayPtr(digest.data(), digest.size());
    if (!same || stream.from != said.getProducedBytes()) {
      support::fail(wire::Error::Kind::CORRUPT, name,
                    " does not have the digest that the agent gives");
    }
  };
  check(job.out, status.getOutput(), "stdout");
  check(job.err, status.getErrors(), "stderr");
  job.result.outcome = readOutcome(status.getOutcome());
  job.result.stillEnding = false;
  job.result.leftRunning = status.getLeftRunning();
  for (auto holder : status.getHolders()) {
    job.result.holders.push_back({holder.getPid(), stringOf(holder.getCommand())});
  }
  job.ended = true;
}

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

// Sends what `fill` makes of `live`, once the command is there; nothing for one that is lost.
template <typename Send>
kj::Promise<void> JobRunner::tell(JobHandle job, SteadyTime until, Send send) {
  auto attempt = [this, job, send](EstablishedConnection& live) -> kj::Promise<bool> {
    if (job->generation == 0) return true;  // Not sent yet.
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
