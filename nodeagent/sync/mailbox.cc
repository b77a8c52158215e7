#include "nodeagent/sync/mailbox.h"

#include <utility>

#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::sync {
namespace {

using Kind = wire::Error::Kind;

// What a record costs besides its data.
constexpr size_t kRecordBytes = 256;
constexpr size_t kPullsMax = 8;

capnp::Data::Reader dataOf(const std::string& text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}

void writeItems(capnp::List<wire::Item>::Builder list, const SyncData& data) {
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setName(data[i].first.c_str());
    list[i].setValue(dataOf(data[i].second));
  }
}

size_t bytesOf(const Request& request) {
  size_t bytes = request.name.size() + request.message.size();
  for (const auto& [name, value] : request.data) bytes += name.size() + value.size() + 32;
  return bytes;
}

void writeEvent(wire::Record::Builder record, const Request& request) {
  auto event = record.initNotified();
  event.setName(request.name.c_str());
  writeItems(event.initData(static_cast<unsigned>(request.data.size())), request.data);
}

void writeReport(wire::Record::Builder record, const Request& request) {
  auto report = record.initReported();
  report.setResult(static_cast<wire::Record::Result>(request.result));
  report.setMessage(dataOf(request.message));
  writeItems(report.initData(static_cast<unsigned>(request.data.size())), request.data);
}

}  // namespace

// Is attached to the promise of a command that waits, and so ends with it.
class Mailbox::Waiting {
 public:
  Waiting(Mailbox& mailbox, uint64_t number) : mailbox_(kj::addRef(mailbox)), number_(number) {}
  ~Waiting() noexcept(false) { mailbox_->withdraw(number_, leaving); }
  KJ_DISALLOW_COPY(Waiting);

  Leaving leaving = Leaving::kEnded;

 private:
  kj::Own<Mailbox> mailbox_;
  const uint64_t number_;
};

Mailbox::Mailbox(kj::Timer& timer, const MailboxLimits& limits)
    : timer_(timer), limits_(limits), tasks_(*this) {}

Mailbox::~Mailbox() noexcept(false) = default;

void Mailbox::requireOpen() const {
  if (isClosed_) support::fail(Kind::EXPIRED, "the session of this command has ended");
}

void Mailbox::requireCapacity() const {
  if (records_.size() < limits_.recordsMax && recordBytes_ < limits_.recordBytesMax) return;
  support::fail(Kind::OVERLOADED, "the test program has not fetched the last ", records_.size(),
                " messages of its commands on this node; the limit is ", limits_.recordsMax, " or ",
                limits_.recordBytesMax, " bytes");
}

kj::Promise<Reply> Mailbox::serve(Command& command, Request request) {
  requireOpen();
  if (isListenedTo_) return serveListened(command, std::move(request));
  auto nobody = timer_.afterDelay(kListenerWait).then([]() {
    support::fail(Kind::UNSUPPORTED,
                  "the program that has started this command does not listen to it; tests and "
                  "muster exec do, unless they are older");
  });
  return whenListened_.addBranch()
      .exclusiveJoin(kj::mv(nobody))
      .then([this, held = kj::addRef(command), request = std::move(request)]() mutable {
        return serveListened(*held, std::move(request));
      })
      .attach(kj::addRef(*this));
}

kj::Promise<Reply> Mailbox::serveListened(Command& command, Request request) {
  requireOpen();
  requireCapacity();
  if (request.verb == Verb::kWait || request.verb == Verb::kBarrier) {
    return wait(command, request);
  }
  bool isEvent = request.verb == Verb::kNotify;
  size_t bytes = bytesOf(request);
  add(command.number(), command.text(), bytes,
      [isEvent, request = std::move(request)](wire::Record::Builder record) {
        isEvent ? writeEvent(record, request) : writeReport(record, request);
      });
  return Reply();
}

kj::Promise<Reply> Mailbox::wait(Command& command, const Request& request) {
  if (waiters_.size() >= limits_.waitersMax) {
    support::fail(Kind::OVERLOADED, waiters_.size(),
                  " commands of the session wait on this node, which is the limit");
  }
  bool isBarrier = request.verb == Verb::kBarrier;
  uint64_t number = ++lastWaiter_;
  auto answered = kj::newPromiseAndFulfiller<Reply>();
  auto now = timer_.now();
  waiters_.emplace(number,
                   Waiter{kj::addRef(command), request.verb, request.name, request.count, now,
                          now + request.limitNs * kj::NANOSECONDS, kj::mv(answered.fulfiller)});
  if (isBarrier) command.watch();
  add(command.number(), command.text(), request.name.size(),
      [isBarrier, number, name = request.name,
       count = request.count](wire::Record::Builder record) {
        if (isBarrier) {
          auto arrival = record.initArrived();
          arrival.setWaiter(number);
          arrival.setBarrier(name.c_str());
          arrival.setCount(count);
        } else {
          auto wait = record.initWaits();
          wait.setWaiter(number);
          wait.setEvent(name.c_str());
        }
      });
  auto waiting = kj::heap<Waiting>(*this, number);
  auto late =
      timer_.afterDelay(request.limitNs * kj::NANOSECONDS).then([&waiting = *waiting]() -> Reply {
        waiting.leaving = Leaving::kTimedOut;
        return {Reply::Kind::kTimedOut, "", {}};
      });
  return answered.promise.exclusiveJoin(kj::mv(late)).attach(kj::mv(waiting));
}

void Mailbox::writeWaiter(size_t place, wire::WaitingCommand::Builder builder) const {
  const Waiter& waiter = std::next(waiters_.begin(), static_cast<long>(place))->second;
  const Session& session = waiter.command->session();
  builder.setSessionId(session.id().data());
  builder.setJob(waiter.command->number());
  builder.setCommand(waiter.command->text().c_str());
  builder.setIdentity(session.identity());
  builder.setName(waiter.name.c_str());
  builder.setIsBarrier(waiter.verb == Verb::kBarrier);
  builder.setCount(waiter.count);
  auto now = timer_.now();
  builder.setWaitedNs((now - waiter.since) / kj::NANOSECONDS);
  builder.setRemainingNs(kj::max(waiter.until - now, 0 * kj::NANOSECONDS) / kj::NANOSECONDS);
}

// A waiter that is still known was not answered.
void Mailbox::withdraw(uint64_t number, Leaving leaving) {
  auto found = waiters_.extract(number);
  if (found.empty() || isClosed_) return;
  Waiter& waiter = found.mapped();
  bool mayEnd = waiter.verb == Verb::kBarrier && leaving == Leaving::kEnded &&
                waiter.command->end() == nullptr;
  if (!mayEnd) return recordWithdrawal(*waiter.command, number, leaving);
  tasks_.add(
      timer_.afterDelay(kEndWait).then([this, number, leaving, command = kj::mv(waiter.command)]() {
        recordWithdrawal(*command, number, leaving);
      }));
}

void Mailbox::recordWithdrawal(const Command& command, uint64_t waiter, Leaving leaving) {
  add(command.number(), command.text(), 0, [waiter, leaving](wire::Record::Builder record) {
    auto withdrawal = record.initWithdrawn();
    withdrawal.setWaiter(waiter);
    withdrawal.setTimedOut(leaving == Leaving::kTimedOut);
  });
}

void Mailbox::noteEnd(Command& command) {
  KJ_IF_MAYBE (end, command.end()) {
    auto bytes = [](const kj::String& text) { return std::string(text.begin(), text.size()); };
    add(command.number(), command.text(), end->output.size() + end->errors.size(),
        [how = bytes(end->how), output = bytes(end->output),
         errors = bytes(end->errors)](wire::Record::Builder record) {
          auto written = record.initEnded();
          written.setHow(how.c_str());
          written.setOutput(dataOf(output));
          written.setErrors(dataOf(errors));
        });
  }
}

void Mailbox::noteUnknown(uint64_t job) {
  add(job, "", 0, [](wire::Record::Builder record) {
    record.initEnded().setHow("had ended already, or the agent never had it,");
  });
}

void Mailbox::add(uint64_t job, std::string command, size_t bytes,
                  kj::Function<void(wire::Record::Builder)> write) {
  if (isClosed_) return;
  bytes += kRecordBytes + command.size();
  recordBytes_ += bytes;
  records_.push_back({++lastRecord_, job, std::move(command), bytes, kj::mv(write)});
  for (auto& pull : pulls_) pull->fulfill();
  pulls_.clear();
}

kj::Promise<void> Mailbox::pull(uint64_t after, int64_t waitNs, Begin begin) {
  requireOpen();
  if (!isListenedTo_) listened_.fulfiller->fulfill();
  isListenedTo_ = true;
  if (after > lastRecord_) {
    support::fail(Kind::INVALID, "after: ", after, ", the last record is ", lastRecord_);
  }
  while (!records_.empty() && records_.front().number <= after) {
    recordBytes_ -= records_.front().bytes;
    records_.pop_front();
  }
  auto wait = kj::max(waitNs, int64_t{0}) * kj::NANOSECONDS;
  return pullUntil(after, timer_.now() + kj::min(wait, kPullWaitMax), kj::mv(begin))
      .attach(kj::addRef(*this));
}

kj::Promise<void> Mailbox::pullUntil(uint64_t after, kj::TimePoint end, Begin begin) {
  requireOpen();
  bool isThere = lastRecord_ > after;
  if (isThere || timer_.now() >= end) {
    writePulled(after, begin);
    return kj::READY_NOW;
  }
  // Pulls that were dropped leave their fulfillers behind.
  kj::Vector<kj::Own<kj::PromiseFulfiller<void>>> left;
  for (auto& pull : pulls_) {
    if (pull->isWaiting()) left.add(kj::mv(pull));
  }
  pulls_ = kj::mv(left);
  if (pulls_.size() >= kPullsMax) {
    support::fail(Kind::OVERLOADED, "pull: ", kPullsMax, " calls wait for records already");
  }
  auto added = kj::newPromiseAndFulfiller<void>();
  pulls_.add(kj::mv(added.fulfiller));
  return added.promise.exclusiveJoin(timer_.atTime(end))
      .then([this, after, end, begin = kj::mv(begin)]() mutable {
        return pullUntil(after, end, kj::mv(begin));
      });
}

// Records up to `after` may have been forgotten by another pull meanwhile, but none above.
void Mailbox::writePulled(uint64_t after, Begin& begin) {
  auto first = records_.begin();
  while (first != records_.end() && first->number <= after) ++first;
  size_t bytes = 0;
  auto last = first;
  for (size_t count = 0; last != records_.end() && count < kPulledMax; ++count, ++last) {
    bytes += last->bytes;
    if (bytes > kPulledBytesMax && last != first) break;
  }
  auto list = begin(static_cast<unsigned>(last - first));
  unsigned place = 0;
  for (auto record = first; record != last; ++record, ++place) {
    auto builder = list[place];
    builder.setNumber(record->number);
    builder.setJob(record->job);
    builder.setCommand(record->command.c_str());
    record->write(builder);
  }
}

void Mailbox::answer(uint64_t waiter, Reply reply) {
  auto found = waiters_.extract(waiter);
  if (!found.empty()) found.mapped().fulfiller->fulfill(std::move(reply));
}

void Mailbox::close() {
  isClosed_ = true;
  if (!isListenedTo_) listened_.fulfiller->fulfill();
  auto waiters = std::exchange(waiters_, {});
  for (auto& [number, waiter] : waiters) {
    waiter.fulfiller->fulfill({Reply::Kind::kFailed, "lost: the session has ended", {}});
  }
  for (auto& pull : pulls_) pull->fulfill();
  pulls_.clear();
}

void Mailbox::taskFailed(kj::Exception&& exception) {
  support::log(support::Level::kError, "a task of a mailbox failed",
               {{"exception", exception.getDescription()}});
}

}  // namespace nodeagent::sync
