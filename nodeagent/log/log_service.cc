#include "nodeagent/log/log_service.h"

#include <algorithm>

#include <kj/debug.h>

#include "nodeagent/log/log_waiter.h"
#include "nodeagent/log/log_wire.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace logs {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kThreads = 4;
constexpr size_t kWaitersMax = 64;
constexpr int64_t kWaitMaxNs = 20'000'000'000;

// One service for all connections.
class LogReader final {
 public:
  LogReader(ServiceHost& host, LogPaths paths, RunTool run)
      : host_(host),
        paths_(std::move(paths)),
        run_(std::move(run)),
        worker_(host.platform.makeWorker(kThreads)) {}

  std::shared_ptr<const Source> source(wire::LogSource::Reader source) {
    return makeSource(source, paths_, run_, host_.bootId.cStr());
  }

  Worker& worker() { return *worker_; }

  kj::Promise<Part> wait(std::shared_ptr<const Source> source,
                         std::shared_ptr<const LineFilter> filter, Mark from, int64_t waitNs) {
    if (waiters_ >= kWaitersMax) {
      support::fail(Kind::OVERLOADED, "logs: ", kWaitersMax, " calls wait for lines already");
    }
    PartLimits limits;
    if (!filter->matchesAll()) limits.linesMax = 1;
    auto end = host_.timer.now() + std::clamp<int64_t>(waitNs, 0, kWaitMaxNs) * kj::NANOSECONDS;
    auto waiter = kj::heap<LogWaiter>(host_.port, host_.timer, *worker_, std::move(source),
                                      std::move(filter), limits);
    ++waiters_;
    auto waiting = waiter->wait(std::move(from), end);
    return waiting.attach(kj::mv(waiter), kj::defer([this]() { --waiters_; }));
  }

 private:
  ServiceHost& host_;
  const LogPaths paths_;
  const RunTool run_;
  kj::Own<Worker> worker_;
  size_t waiters_ = 0;
};

PartLimits limitsOf(uint32_t linesMax, uint32_t bytesMax) {
  PartLimits limits;
  if (linesMax > 0) limits.linesMax = std::min<size_t>(limits.linesMax, linesMax);
  if (bytesMax > 0) limits.bytesMax = std::min<size_t>(limits.bytesMax, bytesMax);
  return limits;
}

void requireOwn(const Source& source, const Mark& mark, const char* which) {
  if (source.owns(mark)) return;
  support::fail(Kind::INVALID, which, ": is no mark of this kind of source; use what mark() gave");
}

// A note is of 8 KiB at most, with its path.
std::vector<Note> boundNotes(const std::vector<Note>& notes) {
  if (notes.size() <= kNotesMax) return notes;
  std::vector<Note> bounded(notes.begin(), notes.begin() + kNotesMax);
  bounded.back().text += "; and " + std::to_string(notes.size() - kNotesMax) + " more notes";
  return bounded;
}

template <typename Results>
void writePart(Results results, const Part& part) {
  auto lines = results.initLines(static_cast<unsigned>(part.lines.size()));
  for (unsigned i = 0; i < lines.size(); ++i) writeLine(lines[i], part.lines[i]);
  std::vector<Note> all = boundNotes(part.notes);
  auto notes = results.initNotes(static_cast<unsigned>(all.size()));
  for (unsigned i = 0; i < notes.size(); ++i) writeNote(notes[i], all[i]);
  writeMark(results.initNext(), part.next);
}

class LogsServer final : public wire::Logs::Server {
 public:
  explicit LogsServer(LogReader& reader) : reader_(reader) {}

  kj::Promise<void> mark(MarkContext context) override {
    return support::answer(context, "logs.mark", [this, context]() mutable {
      auto source = reader_.source(context.getParams().getSource());
      return reader_.worker()
          .run([source]() { return source->mark(); })
          .then(
              [context](Mark&& mark) mutable { writeMark(context.getResults().initMark(), mark); });
    });
  }

  kj::Promise<void> read(ReadContext context) override {
    return support::answer(context, "logs.read", [this, context]() mutable {
      auto params = context.getParams();
      auto source = reader_.source(params.getSource());
      auto filter = std::make_shared<const LineFilter>(readPatterns(params.getPatterns()));
      Mark from = readMark(params.getFrom());
      Mark to = readMark(params.getTo());
      requireOwn(*source, from, "from");
      if (to.kind != Mark::Kind::kUnspecified) requireOwn(*source, to, "to");
      PartLimits limits = limitsOf(params.getLinesMax(), params.getBytesMax());
      return reader_.worker()
          .run([source, filter, from = std::move(from), to = std::move(to), limits]() {
            return source->read(from, to, *filter, limits);
          })
          .then([context](Part&& part) mutable {
            writePart(context.getResults(), part);
            context.getResults().setMore(part.hasMore);
          });
    });
  }

  kj::Promise<void> await(AwaitContext context) override {
    auto answered = support::answer(context, "logs.await", [this, context]() mutable {
      auto params = context.getParams();
      auto source = reader_.source(params.getSource());
      auto filter = std::make_shared<const LineFilter>(readPatterns(params.getPatterns()));
      Mark from = readMark(params.getFrom());
      requireOwn(*source, from, "from");
      return reader_.wait(std::move(source), std::move(filter), std::move(from), params.getWaitNs())
          .then([context](Part&& part) mutable { writePart(context.getResults(), part); });
    });
    context.allowCancellation();
    return answered;
  }

 private:
  LogReader& reader_;
};

class LogService final : public AgentService {
 public:
  LogService(ServiceHost& host, LogPaths paths, RunTool run)
      : reader_(host, std::move(paths), std::move(run)) {}

  kj::Array<Offer> offers() override {
    return kj::arr(offer<wire::Logs>([this](Session&) { return kj::heap<LogsServer>(reader_); }));
  }

  bool close(kj::Duration limit) override { return reader_.worker().close(limit); }

 private:
  LogReader reader_;
};

}  // namespace
}  // namespace logs

kj::Own<AgentService> makeLog(ServiceHost& host, logs::LogPaths paths, logs::RunTool run) {
  return kj::heap<logs::LogService>(host, std::move(paths), std::move(run));
}

}  // namespace nodeagent
