#include "nodeagent/metrics/recordings.h"

#include "nodeagent/os/process.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::metrics {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kNamesMax = 64;
constexpr int64_t kIntervalMinNs = 100'000'000;
constexpr int64_t kIntervalMaxNs = 3600'000'000'000;
constexpr int64_t kWaitMaxNs = 20'000'000'000;

// Bounds one answer.
constexpr size_t kSamplesOfAnswerMax = 512;
constexpr size_t kBytesOfAnswerMax = 256 << 10;

Recording::Names readNames(capnp::List<capnp::Data>::Reader from) {
  if (from.size() > kNamesMax) {
    support::fail(Kind::INVALID, "processes: ", from.size(), " names, at most ", kNamesMax,
                  " are possible");
  }
  kj::Vector<kj::String> names;
  for (auto bytes : from) {
    auto name = kj::heapString(bytes.asChars());
    if (!isProcessName(name)) {
      support::fail(Kind::INVALID, "processes: a name is not 1 to ", kProcessNameBytesMax,
                    " bytes without slash and control characters");
    }
    names.add(kj::mv(name));
  }
  return names.releaseAsArray();
}

void write(const NodeUsage& from, wire::NodeUsage::Builder to) {
  to.setProcessors(from.processors);
  to.setBusyNs(from.busyNs);
  to.setIdleNs(from.idleNs);
  to.setMemoryTotalBytes(from.memoryTotalBytes);
  to.setMemoryAvailableBytes(from.memoryAvailableBytes);
  to.setSwapTotalBytes(from.swapTotalBytes);
  to.setSwapFreeBytes(from.swapFreeBytes);
  to.setDiskReadBytes(from.diskReadBytes);
  to.setDiskWrittenBytes(from.diskWrittenBytes);
  to.setNetworkReceivedBytes(from.networkReceivedBytes);
  to.setNetworkSentBytes(from.networkSentBytes);
  to.setDescriptors(from.descriptors);
  to.setProcesses(from.processes);
  to.setLoad1(from.load1);
}

void write(const ProcessUsage& from, wire::ProcessUsage::Builder to) {
  to.setPid(from.pid);
  to.setStartTicks(from.startTicks);
  to.setName(kj::arrayPtr(from.name.data(), from.name.size()).asBytes());
  to.setCpuNs(from.cpuNs);
  to.setResidentBytes(from.residentBytes);
  to.setAnonymousBytes(from.anonymousBytes);
  to.setThreads(from.threads);
  to.setDescriptors(from.descriptors);
  to.setReadBytes(from.readBytes);
  to.setWrittenBytes(from.writtenBytes);
}

void write(const SampleRing::Numbered& from, wire::UsageSample::Builder to) {
  const Sample& sample = from.sample;
  to.setNumber(from.number);
  to.setRealtimeNs(sample.realtimeNs);
  to.setBoottimeNs(sample.boottimeNs);
  write(sample.node, to.initNode());
  auto processes = to.initProcesses(static_cast<unsigned>(sample.processes.size()));
  for (unsigned i = 0; i < processes.size(); ++i) write(sample.processes[i], processes[i]);
  to.setProcessesLeftOut(sample.processesLeftOut);
}

void writeAnswer(const SampleRing& ring, uint64_t after,
                 wire::Metrics::ReadResults::Builder results) {
  auto some = ring.after(after, kSamplesOfAnswerMax, kBytesOfAnswerMax);
  auto samples = results.initSamples(static_cast<unsigned>(some.size()));
  for (unsigned i = 0; i < samples.size(); ++i) write(*some[i], samples[i]);
  results.setLostTo(ring.lostTo());
  results.setMore(!some.empty() && some.back()->number < ring.last());
}

}  // namespace

void Recordings::OfSession::stopAll() {
  for (auto& [number, recording] : recordings) recording->stop();
}

// Finds what the session has, or makes it until the session's end.
Recordings::OfSession& Recordings::of(Session& session) {
  auto found = sessions_.find(session.id());
  if (found != sessions_.end()) return found->second;
  auto undo =
      session.addUndo(EndPhase::kTidy, kj::str("recordings of metrics"),
                      [this, id = session.id()]() -> kj::Promise<kj::Maybe<support::Failure>> {
                        auto ended = sessions_.extract(id);
                        if (!ended.empty()) ended.mapped().stopAll();
                        return kj::Maybe<support::Failure>();
                      });
  OfSession& made = sessions_[session.id()];
  made.session = session.addRef();
  made.undo = kj::mv(undo);
  return made;
}

size_t Recordings::count() const {
  size_t count = 0;
  for (auto& [id, of] : sessions_) count += of.recordings.size();
  return count;
}

void Recordings::begin(Session& session, uint64_t number, Recording::Names names,
                       kj::Duration interval) {
  auto found = sessions_.find(session.id());
  if (found != sessions_.end()) {
    auto& own = found->second.recordings;
    if (own.count(number) > 0) return;
    if (own.size() >= kRecordingsOfSessionMax) {
      support::fail(Kind::OVERLOADED, "the session has ", kRecordingsOfSessionMax,
                    " recordings already");
    }
  }
  if (count() >= kRecordingsMax) {
    support::fail(Kind::OVERLOADED, "the node has ", kRecordingsMax, " recordings already");
  }
  of(session).recordings[number] =
      kj::refcounted<Recording>(kj::mv(names), interval, timer_, clock_, worker_);
}

Recording& Recordings::find(Session& session, uint64_t number) {
  auto found = sessions_.find(session.id());
  if (found != sessions_.end()) {
    auto recording = found->second.recordings.find(number);
    if (recording != found->second.recordings.end()) return *recording->second;
  }
  support::fail(Kind::NOT_FOUND, "recording: the session has none of number ", number);
}

void Recordings::stop(Session& session, uint64_t number) {
  auto found = sessions_.find(session.id());
  if (found == sessions_.end()) return;
  auto stopped = found->second.recordings.extract(number);
  if (!stopped.empty()) stopped.mapped()->stop();
  // The session has nothing of ours to end any more.
  if (found->second.recordings.empty()) sessions_.erase(found);
}

kj::Promise<void> MetricsServer::record(RecordContext context) {
  return support::answer(context, "metrics.record", [this, context]() mutable {
    session_->requireAlive();
    auto params = context.getParams();
    int64_t intervalNs = params.getIntervalNs();
    if (intervalNs < kIntervalMinNs || intervalNs > kIntervalMaxNs) {
      support::fail(Kind::INVALID, "intervalNs: ", intervalNs, " is not between 100 ms and 1 h");
    }
    recordings_.begin(*session_, params.getRecording(), readNames(params.getProcesses()),
                      intervalNs * kj::NANOSECONDS);
  });
}

kj::Promise<void> MetricsServer::read(ReadContext context) {
  auto answered = support::answer(context, "metrics.read", [this, context]() mutable {
    session_->requireAlive();
    auto params = context.getParams();
    int64_t waitNs = params.getWaitNs();
    if (waitNs < 0 || waitNs > kWaitMaxNs) {
      support::fail(Kind::INVALID, "waitNs: ", waitNs, " is not between 0 and 20 s");
    }
    uint64_t after = params.getAfter();
    auto recording = recordings_.find(*session_, params.getRecording()).addRef();
    auto waited = recording->awaitAfter(after, waitNs);
    return waited
        .then([context, after, &recording = *recording]() mutable {
          writeAnswer(recording.samples(), after, context.getResults());
        })
        .attach(kj::mv(recording));
  });
  context.allowCancellation();
  return answered;
}

kj::Promise<void> MetricsServer::stop(StopContext context) {
  return support::answer(context, "metrics.stop", [this, context]() mutable {
    for (uint64_t number : context.getParams().getRecordings()) {
      recordings_.stop(*session_, number);
    }
  });
}

}  // namespace nodeagent::metrics
