// Starts and follows commands over a connection that may break.
//
// Every exchange may be repeated: a command has a number, output and input have offsets, so that an
// answer that was lost with a connection is asked for again and changes nothing twice. Input,
// signals and releases are in job_control.cc; commands whose caller has gone are in job_run.cc.
#include "harness/rpc/job/job_runner.h"

#include <algorithm>

#include "harness/rpc/bytes.h"
#include "harness/values/failure_text.h"
#include "harness/values/stream_order.h"
#include "schema/support/base/crc32c.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;
using std::chrono::nanoseconds;

// The agent answers a poll after this time at the latest.
constexpr std::chrono::seconds kFollowMax{20};

// A poll ends this long before the caller's time, so that its answer still arrives.
constexpr std::chrono::milliseconds kPollMargin{20};

// A poll ends this long after the command's deadline.
constexpr std::chrono::milliseconds kDeadlineLook{20};

constexpr std::chrono::milliseconds kLaunchRetry{2};

// The number of ranges of bulk output that fit into what the agent allows ahead. Two of them bring
// as much in a round trip as one plain answer.
constexpr uint64_t kRangesAhead = 2;

// A range waits this long for its bytes: a pause in the output soon ends the asking for ranges.
constexpr std::chrono::milliseconds kRangeWaitMax{200};
// The size of most `run` requests, in words; larger ones take a further segment.
constexpr uint64_t kRunWords = 256;
constexpr unsigned kBadAnswersMax = 3;

// True for a detached command of an earlier session, which it outlives: it has to be adopted.
bool isElsewhere(const EstablishedConnection& live, const JobState& job) {
  bool isDetached = job.request->options.lifetime == muster::CommandLifetime::kDetached;
  return isDetached && job.generation != 0 && job.generation != live.generation;
}

// Returns the order of the output that the result holds, which the agent gives for all that was
// produced. What came before a gap has none, because nobody knows how much of it is held.
StreamOrder heldOrder(const JobState& job, wire::JobProgress::Reader progress) {
  StreamOrder order;
  for (uint64_t length : progress.getOrder()) order.push_back(length);
  auto output = progress.getStatus().getOutput().getProducedBytes();
  auto errors = progress.getStatus().getErrors().getProducedBytes();
  // An order that counts more bytes than there are tells nothing.
  bool isGood =
      orderFits(order, output, errors) && job.out.from <= output && job.err.from <= errors;
  if (!isGood) return {};
  auto part = [](const StreamState& stream, const std::string& held, uint64_t produced) {
    return StreamPart{std::min<uint64_t>(held.size(), stream.from - stream.gapTo),
                      produced - stream.from};
  };
  return orderWithin(order, part(job.out, job.result.out, output),
                     part(job.err, job.result.err, errors));
}

}  // namespace

SteadyTime JobRunner::now() const {
  return connection_.loop().now();
}

nanoseconds JobRunner::left(SteadyTime until) const {
  return std::max(nanoseconds(0), nanoseconds(until - now()));
}

// Returns the deadline of a command that the agent begins now.
SteadyTime JobRunner::deadlineFrom(const JobState& job) const {
  nanoseconds deadline = job.deadline;
  return deadline < left(SteadyTime::max()) ? now() + deadline : SteadyTime::max();
}

JobHandle JobRunner::make(SharedRequest request) {
  requireValid(*request);
  // Owned by the stub and by promises, see the header.
  auto job = std::make_shared<JobState>();
  job->number = numberNext_++;
  job->node = connection_.description().name;
  job->result.node = job->node;
  if (!connection_.description().addresses.empty()) {
    job->result.address = connection_.description().addresses.front();
  }
  job->result.argv = request->argv;
  if (request->options.lifetime == muster::CommandLifetime::kTest) job->scope = scopes_.current();
  job->deadline = *request->options.deadline;
  job->result.deadline = job->deadline;
  job->request = std::move(request);
  return job;
}

// Asks once, and again until `what` holds or the time is over. One question waits at the agent, so
// that an idle command costs an answer in kFollowMax and not a poll each moment. Its end is cut to
// `until`, and to just after the command's deadline: there the agent can say for the first time
// that it is ending the command, which is known then without waiting for output.
kj::Promise<bool> JobRunner::pull(JobHandle job, PullUntil what, SteadyTime until) {
  if (job->ended) return true;
  // The caller may have read on since the last answer.
  trimHeld(*job);
  if (mustEnd(*job)) return endOverLimit(job, until);
  auto attempt = [this, job, what, until](EstablishedConnection& live) {
    nanoseconds wait = left(until);
    if (wait > kPollMargin) wait -= kPollMargin;
    nanoseconds toDeadline = left(job->deadlineAt);
    bool isBefore = now() < job->deadlineAt;
    if (isBefore && toDeadline < wait - kDeadlineLook) wait = toDeadline + kDeadlineLook;
    return step(live, job, what, std::min<nanoseconds>(wait, kFollowMax));
  };
  return connection_.call<Step>(until, attempt, job->scope)
      .then(
          [this, job, what, until](Step step) -> kj::Promise<bool> {
            if (step == Step::kEnded) {
              bool isCancelled = job->result.outcome.kind() == muster::Outcome::Kind::kCancelled;
              KJ_IF_MAYBE (failure, job->inputFailure) {
                if (isCancelled) return kj::cp(*failure);
              }
              return true;
            }
            if (step == Step::kProgress && what == PullUntil::kChange) return true;
            if (left(until) <= kPollMargin) return false;
            return pull(job, what, until);
          },
          [](kj::Exception&& exception) -> kj::Promise<bool> {
            if (kindOf(exception) == Kind::kTimeout) return false;
            return kj::mv(exception);
          });
}

// Makes one exchange that does not wait for the command.
kj::Promise<JobRunner::Step> JobRunner::look(JobHandle job, SteadyTime until) {
  auto attempt = [this, job](EstablishedConnection& live) {
    return step(live, job, PullUntil::kChange, nanoseconds(0));
  };
  return connection_.call<Step>(until, attempt, job->scope);
}

kj::Promise<void> JobRunner::start(JobHandle job, SteadyTime until) {
  return look(job, until).then([this, job, until](Step step) -> kj::Promise<void> {
    if (step == Step::kEnded) return kj::READY_NOW;
    if (job->result.pid != 0) {
      feedRequested(job);
      return kj::READY_NOW;
    }
    // The agent has taken the command and still launches it.
    return connection_.loop()
        .timer()
        .afterDelay(nanoseconds(kLaunchRetry).count() * kj::NANOSECONDS)
        .then([this, job, until]() { return start(job, until); });
  });
}

// Fetches what was produced when the first answer came, and no more: a command that writes faster
// than it is read would keep the caller for ever.
kj::Promise<void> JobRunner::refresh(JobHandle job, SteadyTime until) {
  if (job->ended) return kj::READY_NOW;
  return look(job, until).then([this, job, until](Step step) -> kj::Promise<void> {
    if (step != Step::kProgress) return kj::READY_NOW;
    return fetchTo(job, job->result.outProducedBytes, job->result.errProducedBytes, until);
  });
}

kj::Promise<void> JobRunner::fetchTo(JobHandle job, uint64_t outTo, uint64_t errTo,
                                     SteadyTime until) {
  if (job->out.from >= outTo && job->err.from >= errTo) return kj::READY_NOW;
  return look(job, until).then([this, job, outTo, errTo, until](Step step) -> kj::Promise<void> {
    if (step != Step::kProgress) return kj::READY_NOW;
    return fetchTo(job, outTo, errTo, until);
  });
}

// A command belongs to the generation of the session that it is first sent in. A later generation
// means that the agent ended that session with all its commands.
bool JobRunner::lostMeanwhile(EstablishedConnection& live, JobState& job) {
  if (job.generation == 0) job.generation = live.generation;
  if (job.generation == live.generation) return false;
  job.result.outcome = connection_.lostSince(job.generation);
  job.ended = true;
  return true;
}

// Takes a detached command over into the session of `live`. False: it is lost.
//
// The agent is given all earlier sessions since the command's own, because an adoption whose answer
// was lost may have moved it into any of them. A command that none of them has is lost, with one
// exception: after a restart of the keeper, a command that it has no note of was never begun, so
// that it may be sent again in this session unless the agent once answered for it.
kj::Promise<bool> JobRunner::adopt(EstablishedConnection& live, JobHandle job) {
  auto request = live.get<wire::Jobs>().adoptRequest();
  auto ids = connection_.sessionsSince(job->generation);
  auto list = request.initSessionIds(static_cast<unsigned>(ids.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, ids[i].data());
  request.setNumber(job->number);
  auto lost = [this, job]() {
    // The agent may forget a command that has ended here; its result stays.
    if (job->ended) return false;
    job->result.outcome = connection_.lostSince(job->generation);
    job->ended = true;
    return false;
  };
  auto onAnswer = [this, job, lost,
                   generation = live.generation](auto&& response) -> kj::Promise<bool> {
    bool isUnknown =
        response.hasError() && response.getError().getKind() == wire::Error::Kind::NOT_FOUND;
    if (!isUnknown) requireNoError(response);
    auto why = connection_.lostSince(job->generation).lostReason();
    bool isBegun = job->started || job->ended || why != muster::LostReason::kKeeperRestarted;
    if (isUnknown && isBegun) return lost();
    job->generation = generation;
    return true;
  };
  return request.send().then(kj::mv(onAnswer),
                             [lost](kj::Exception&& exception) -> kj::Promise<bool> {
                               // An older agent notes nothing, so that nobody knows whether the
                               // command was begun.
                               if (exception.getType() == kj::Exception::Type::UNIMPLEMENTED)
                                 return lost();
                               return kj::mv(exception);
                             });
}

// Makes sure that the session of `live` has the command, for calls that need it. False: it is lost.
kj::Promise<bool> JobRunner::ready(EstablishedConnection& live, JobHandle job) {
  if (isElsewhere(live, *job)) return adopt(live, job);
  return !lostMeanwhile(live, *job);
}

// Makes one exchange about the command, and takes what the answer brings:
//
//   1. A command of another session is adopted, or is found to be lost.
//   2. A reader who is behind asks for ranges of output (stepAhead).
//   3. A command that the agent has not answered for is sent by `run`, which also follows it. It is
//      sent again with the same number when its answer is lost, and starts only once.
//   4. Any other command is followed from the offsets that have come.
//
// `run` also carries the numbers of commands that the agent may forget. They leave the list only
// with its answer, because a lost request acknowledged nothing.
kj::Promise<JobRunner::Step> JobRunner::step(EstablishedConnection& live, JobHandle job,
                                             PullUntil what, nanoseconds wait) {
  if (isElsewhere(live, *job)) {
    return adopt(live, job).then([this, &live, job, what, wait](bool isOurs) -> kj::Promise<Step> {
      if (!isOurs) return Step::kEnded;
      return step(live, job, what, wait);
    });
  }
  if (lostMeanwhile(live, *job)) return Step::kEnded;
  // Without capacity for more output, only the end is waited for.
  bool asksStatus = job->isOverLimit || (isFull(*job) && !job->endKnown);
  if (job->rangeBytes > 0 && wait > nanoseconds(0) && !asksStatus) {
    return stepAhead(live, job, std::min<nanoseconds>(wait, kRangeWaitMax));
  }
  auto fill = [&](wire::Follow::Builder follow) {
    follow.setOutputFrom(job->out.from);
    follow.setErrorsFrom(job->err.from);
    follow.setBytesMax(asksStatus ? 0 : live.chunkBytesMax);
    follow.setWaitNs(wait.count());
    follow.setUntil(what == PullUntil::kEnded || asksStatus ? wire::Follow::Until::ENDED
                                                            : wire::Follow::Until::CHANGE);
    follow.setReleaseTo(true);
  };
  if (!job->started) {
    // The agent begins between now and its answer: until that comes, the earlier end counts.
    if (job->deadlineAt == SteadyTime::max()) job->deadlineAt = deadlineFrom(*job);
    auto request = live.get<wire::Jobs>().runRequest(capnp::MessageSize{kRunWords, 0});
    request.setNumber(job->number);
    auto spec = request.initSpec();
    writeSpec(spec, *job->request);
    spec.setDeadlineNs(job->deadline.count());
    fill(request.initFollow());
    Spent& all = spentOf(*job);
    if (all.generation != live.generation) all.numbers.clear();
    std::vector<uint64_t> spent = all.numbers;
    request.setAcknowledge(kj::arrayPtr(spent.data(), spent.size()));
    return request.send().then([this, job, spent = kj::mv(spent)](auto&& response) {
      requireNoError(response);
      job->started = true;
      job->deadlineAt = deadlineFrom(*job);
      std::erase_if(spentOf(*job).numbers, [&](uint64_t number) {
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
                                                  nanoseconds wait) {
  std::erase_if(ahead_, [](const auto& entry) { return entry.second.isForgotten(); });
  auto& ahead = ahead_.try_emplace(job->number, connection_.loop()).first->second;
  ReadAhead::Range range;
  range.job = job->number;
  range.outputFrom = job->out.from;
  range.errorsFrom = job->err.from;
  range.bytes = job->rangeBytes;
  range.aheadBytesMax = job->aheadBytesMax;
  range.wait = wait;
  auto answer = ahead.next(live, range);
  // The entry is looked up again with the answer: the end of the output erases it meanwhile.
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

// A reader who is behind by whole ranges asks for several at a time. One who gets less asks plainly
// again, so that the next bytes come at once.
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

// Appends a chunk to its stream. False: the chunk is not what was asked for, and is to be asked for
// again. A few such answers in succession are a failure, so that a broken agent cannot keep the
// caller busy until its deadline.
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
  // A gap is what the overflow policy dropped; a digest of the whole stream then proves nothing.
  if (chunk.getOffset() > stream.from) {
    stream.whole = false;
    stream.gapTo = chunk.getOffset();
  }
  stream.hash.update(data);
  stream.from = chunk.getOffset() + data.size();
  target.append(reinterpret_cast<const char*>(data.begin()), data.size());
  return true;
}

// Takes one answer into the state of the command.
//
// The outcome is known before the output is complete: the agent may say "ended" in an answer that
// carries only the next chunk. The command has ended here when both are there, and its digests are
// compared then. An agent that has ended the command and promises output, but sends none, is
// corrupt after a few answers.
JobRunner::Step JobRunner::absorb(JobState& job, wire::JobProgress::Reader progress) {
  auto status = progress.getStatus();
  uint64_t before = job.out.from + job.err.from;
  bool good = take(job, job.out, job.result.out, progress.getOutput()) &&
              take(job, job.err, job.result.err, progress.getErrors());
  // The next question asks from the same offset.
  if (!good) return Step::kNothing;
  trimHeld(job);
  if (job.isOverLimit) skipOutput(job, status);
  bool progressed = job.out.from + job.err.from > before;
  job.result.pid = status.getPid();
  job.result.elapsed = nanoseconds(status.getElapsedNs());
  job.result.outProducedBytes = status.getOutput().getProducedBytes();
  job.result.errProducedBytes = status.getErrors().getProducedBytes();
  job.result.outDroppedBytes = status.getOutput().getDroppedBytes() + job.out.forgottenBytes;
  job.result.errDroppedBytes = status.getErrors().getDroppedBytes() + job.err.forgottenBytes;
  bool late = status.getStopping() == wire::JobStatus::Stopping::DEADLINE;
  job.result.stillEnding = late;
  if (late) {
    job.result.outcome = muster::Outcome::killed(muster::Outcome::Kind::kDeadline, -1, 0);
  }
  // A stream of which the agent retains nothing is complete: a failed disk may have lost the rest.
  auto isRead = [](const StreamState& stream, wire::JobStatus::StreamStatus::Reader said) {
    return stream.from >= said.getRetainedTo() || said.getRetainedFrom() >= said.getRetainedTo();
  };
  bool drained = isRead(job.out, status.getOutput()) && isRead(job.err, status.getErrors());
  if (status.getState() == wire::JobStatus::State::ENDED) {
    job.endKnown = true;
    job.result.outcome = readOutcome(status.getOutcome());
    if (drained || job.isOverLimit) {
      finish(job, progress);
      return Step::kEnded;
    }
    if (!progressed && ++job.badAnswers > kBadAnswersMax) {
      support::fail(wire::Error::Kind::CORRUPT, "the agent promises output that it does not send");
    }
  }
  if (progressed) job.badAnswers = 0;
  return progressed ? Step::kProgress : Step::kNothing;
}

void JobRunner::finish(JobState& job, wire::JobProgress::Reader progress) {
  auto status = progress.getStatus();
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
  if (!job.isOverLimit) {
    check(job.out, status.getOutput(), "stdout");
    check(job.err, status.getErrors(), "stderr");
    job.result.order = heldOrder(job, progress);
  }
  job.result.outcome = readOutcome(status.getOutcome());
  job.result.stillEnding = false;
  job.result.leftRunning = status.getLeftRunning();
  for (auto holder : status.getHolders()) {
    job.result.holders.push_back({holder.getPid(), stringOf(holder.getCommand())});
  }
  if (job.isOverLimit || mustEnd(job)) noteOverLimit(job);
  job.ended = true;
  if (job.result.outcome.signal() != 0 && job.request->crash == CrashOf::kResult) {
    told_.insert(job.number);
    if (told_.size() > kToldMax) told_.erase(told_.begin());
  }
}

}  // namespace harness
