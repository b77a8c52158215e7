// Everything about a command happens on the io thread. An event brings what came of a call to the
// caller's thread, which begins the next call: of each node, one that pulls and one that writes.
#include "harness/rpc/job/job_group.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include "harness/os/fd.h"
#include "harness/rpc/node_calls.h"
#include "harness/values/failure_text.h"

namespace harness::rpc {
namespace {

// More input is taken while less than this waits to be sent.
constexpr size_t kInputBytesMax = 1 << 20;

// Input that comes in small parts is sent in parts up to this size.
constexpr size_t kPieceBytesMax = 256 << 10;

// Making a command asks no node.
constexpr std::chrono::seconds kMakeMax{10};

// Returns the end of a time that begins now. Saturates.
SteadyTime endOf(std::chrono::nanoseconds time) {
  SteadyTime now = std::chrono::steady_clock::now();
  return time > SteadyTime::max() - now ? SteadyTime::max() : now + time;
}

}  // namespace

struct JobGroup::Event {
  enum class Kind { kStarted, kPulled, kWritten };
  Kind kind = Kind::kStarted;
  size_t node = 0;

  // As News::pid.
  int pid = 0;
  std::string out;
  std::string err;

  // The end of the command.
  std::optional<muster::Result> result;
  std::optional<muster::NodeError> error;
};

namespace {

// Takes away what has come of the output, if the caller wants it.
void takeOutput(JobState& job, std::string& out, std::string& err) {
  if (job.request->output != JobOutput::kTake) return;
  out = std::exchange(job.result.out, "");
  err = std::exchange(job.result.err, "");
}

}  // namespace

struct JobGroup::Mailbox {
  Mailbox() : wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake) {
      throw muster::NodeError(muster::NodeError::Kind::kSystem, "", "eventfd", "", errno);
    }
  }

  void put(Event event) {
    std::lock_guard<std::mutex> lock(mutex);
    events.push_back(std::move(event));
    uint64_t one = 1;
    // It cannot fail: the counter never comes near its limit.
    (void)!::write(wake.get(), &one, sizeof one);
  }

  std::optional<Event> take() {
    std::lock_guard<std::mutex> lock(mutex);
    if (events.empty()) return std::nullopt;
    Event event = std::move(events.front());
    events.pop_front();
    uint64_t count;
    if (events.empty()) (void)!::read(wake.get(), &count, sizeof count);
    return event;
  }

  std::mutex mutex;
  std::deque<Event> events;
  Fd wake;
};

JobGroup::JobGroup(const std::vector<ControllerNode*>& nodes, JobRequest request,
                   std::chrono::nanoseconds time, size_t fanOut)
    : operation_("run " + argvText(request.argv)),
      time_(time),
      mailbox_(std::make_shared<Mailbox>()) {
  auto shared = std::make_shared<const JobRequest>(std::move(request));
  members_.resize(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    members_[i].node = nodes[i];
    auto& node = nodes[i]->impl();
    members_[i].job = node.blocking(operation_, endOf(kMakeMax), [&node, &shared]() {
      return kj::Promise<JobHandle>(node.jobs().make(shared));
    });
  }
  running_ = nodes.size();
  while (next_ < std::min(nodes.size(), fanOut)) startNext();
}

JobGroup::~JobGroup() = default;

int JobGroup::descriptor() const {
  return mailbox_->wake.get();
}

void JobGroup::startNext() {
  size_t index = next_++;
  Member& member = members_[index];
  member.until = endOf(time_);
  begin(index, [job = member.job, until = member.until](ControllerNode::Impl& node) {
    return node.jobs().start(job, until).then([job]() {
      Event event{.kind = Event::Kind::kStarted, .pid = job->result.pid};
      // A command that has written already may write nothing for a long time.
      takeOutput(*job, event.out, event.err);
      return event;
    });
  });
}

// Makes a call about a node's command, which promises an event. A failure becomes an event, too.
template <typename Call>
void JobGroup::begin(size_t index, Call call) {
  auto& node = members_[index].node->impl();
  auto put = [box = mailbox_, index](Event event) {
    event.node = index;
    box->put(std::move(event));
  };
  auto failed = [put, name = node.description.name,
                 operation = operation_](const kj::Exception& exception) {
    Event event;
    event.error = toNodeError(exception, name, operation);
    put(std::move(event));
  };
  bool isPosted = node.io.post([&node, call = std::move(call), put, failed]() {
    // Nobody waits for it: a group may go while its calls are under way, and the connection then.
    node.jobs().spawn(kj::evalNow([&]() { return call(node); })
                          .then([put](Event&& event) { put(std::move(event)); },
                                [failed](kj::Exception&& exception) { failed(exception); }));
  });
  if (!isPosted) {
    failed(support::failure(wire::Error::Kind::INTERNAL, "the connections were closed"));
  }
}

void JobGroup::pull(size_t index) {
  const Member& member = members_[index];
  begin(index, [job = member.job, until = member.until](ControllerNode::Impl& node) {
    return node.jobs().pull(job, PullUntil::kChange, until).then([&node, job](bool isInTime) {
      Event event{.kind = Event::Kind::kPulled};
      takeOutput(*job, event.out, event.err);
      if (job->ended || (!isInTime && job->result.stillEnding)) {
        event.result = std::move(job->result);
        node.jobs().release(job);
      } else if (!isInTime) {
        event.error.emplace(muster::NodeError::Kind::kTimeout, job->node,
                            "run " + argvText(job->request->argv),
                            "the time that was allowed is over; " + wroteText(job->result));
      }
      return event;
    });
  });
}

std::optional<JobGroup::News> JobGroup::next() {
  while (std::optional<Event> event = mailbox_->take()) {
    size_t index = event->node;
    Member& member = members_[index];
    if (member.answer) continue;
    News news{index, event->pid, std::move(event->out), std::move(event->err)};
    if (event->error) {
      over(index, std::move(*event->error));
    } else if (event->result) {
      over(index, std::move(*event->result));
    } else if (event->kind == Event::Kind::kWritten) {
      member.isWriting = false;
      ++member.piece;
    } else {
      member.isStarted = true;
      pull(index);
    }
    feedAll();
    bool isNews = news.pid != 0 || !news.out.empty() || !news.err.empty();
    if (member.answer || isNews) return news;
  }
  return std::nullopt;
}

void JobGroup::over(size_t index, RunAnswer answer) {
  members_[index].answer = std::move(answer);
  --running_;
  if (next_ < members_.size()) startNext();
}

bool JobGroup::wantsInput() const {
  size_t bytes = 0;
  for (const Piece& piece : pieces_) bytes += piece.bytes->size();
  return !ended() && !inputEnds_ && bytes < kInputBytesMax;
}

void JobGroup::giveInput(std::string bytes) {
  bool joins = !pieces_.empty() && !pieces_.back().isBegun &&
               pieces_.back().bytes->size() + bytes.size() <= kPieceBytesMax;
  if (joins) {
    pieces_.back().bytes->append(bytes);
  } else {
    pieces_.push_back({std::make_shared<std::string>(std::move(bytes))});
  }
  feedAll();
}

void JobGroup::endInput() {
  inputEnds_ = true;
  if (pieces_.empty() || pieces_.back().isBegun) {
    pieces_.push_back({std::make_shared<std::string>()});
  }
  pieces_.back().isLast = true;
  feedAll();
}

void JobGroup::feedAll() {
  for (size_t i = 0; i < members_.size(); ++i) feed(i);
  auto isDone = [this](uint64_t piece) {
    for (const Member& member : members_) {
      if (!member.answer && member.piece <= piece) return false;
    }
    return true;
  };
  while (!pieces_.empty() && isDone(piecesFrom_)) {
    pieces_.pop_front();
    ++piecesFrom_;
  }
}

void JobGroup::feed(size_t index) {
  Member& member = members_[index];
  bool canWrite = member.isStarted && !member.isWriting && !member.answer;
  if (!canWrite || member.piece >= piecesFrom_ + pieces_.size()) return;
  Piece& piece = pieces_[member.piece - piecesFrom_];
  piece.isBegun = true;
  member.isWriting = true;
  AfterInput after = piece.isLast ? AfterInput::kEnds : AfterInput::kStaysOpen;
  begin(index, [job = member.job, bytes = SharedBytes(piece.bytes), after,
                until = member.until](ControllerNode::Impl& node) {
    return node.jobs().writeInput(job, bytes, after, until).then([]() {
      return Event{.kind = Event::Kind::kWritten};
    });
  });
}

void JobGroup::resize(uint16_t columns, uint16_t rows) {
  for (Member& member : members_) {
    if (!member.isStarted || member.answer) continue;
    auto& node = member.node->impl();
    node.io.post([&node, job = member.job, columns, rows, until = member.until]() {
      // A terminal of the wrong size is no reason to end the command.
      node.io.spawn(node.jobs().resize(job, columns, rows, until).catch_([](kj::Exception&&) {}));
    });
  }
}

}  // namespace harness::rpc
