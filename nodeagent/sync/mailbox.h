// Keeps what the commands of one session say until the controller has it, and the commands that
// wait until it answers them. It decides nothing about events and barriers, and knows no sockets.
//
// Records are numbered from 1. The controller pulls by number and says with each pull what it has,
// so a lost connection loses none. Everything is bounded: where the controller does not come, new
// requests are refused, and nothing that was accepted is dropped.
#pragma once

#include <stdint.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include <kj/async.h>
#include <kj/one-of.h>
#include <kj/refcount.h>
#include <kj/timer.h>
#include <kj/vector.h>

#include "nodeagent/session/commands.h"
#include "nodeagent/session/session.h"
#include "nodeagent/sync/message.h"
#include "schema/sync.capnp.h"

namespace nodeagent::sync {

struct MailboxLimits {
  // Bound what the controller has not fetched. Records that tell of an end come on top, at most two
  // for each that was accepted.
  size_t recordsMax = 4096;
  size_t recordBytesMax = 1 << 20;
  size_t waitersMax = 256;
};

class Mailbox final : public kj::Refcounted, private kj::TaskSet::ErrorHandler {
 public:
  // A process that waited at a barrier and has ended may be the first sign of its command's end,
  // which says more. It is waited for this long.
  static constexpr kj::Duration kEndWait = 40 * kj::MILLISECONDS;
  static constexpr kj::Duration kPullWaitMax = 20 * kj::SECONDS;
  // A controller that has not pulled once by this time after a request does not listen at all.
  static constexpr kj::Duration kListenerWait = 5 * kj::SECONDS;
  // Bound one answer to pull(), but for its first record.
  static constexpr size_t kPulledMax = 256;
  static constexpr size_t kPulledBytesMax = 256 * 1024;

  // `timer` outlives it.
  explicit Mailbox(kj::Timer& timer, const MailboxLimits& limits = {});
  ~Mailbox() noexcept(false);
  KJ_DISALLOW_COPY(Mailbox);

  // Does what a command asks for. Dropping the promise of a command that waits means that it waits
  // no more. Fails with kind overloaded, and unsupported if the controller does not listen.
  kj::Promise<Reply> serve(Command& command, Request request);

  // Writes the records above `after` into what `begin` returns for their number.
  using Begin = kj::Function<capnp::List<wire::Record>::Builder(unsigned count)>;

  // Does what Sync.pull says.
  kj::Promise<void> pull(uint64_t after, int64_t waitNs, Begin begin);

  // Does what Sync.answer says for one waiter.
  void answer(uint64_t waiter, Reply reply);

  // Records the end of a watched command.
  void noteEnd(Command& command);

  // Records the end of a command that is not known any more.
  void noteUnknown(uint64_t job);

  // Answers everybody that waits that the session has ended, and makes later calls fail with kind
  // expired.
  void close();

  // Writes the waiter of that place, from 0 below waiterCount().
  void writeWaiter(size_t place, wire::WaitingCommand::Builder builder) const;

  size_t waiterCount() const { return waiters_.size(); }
  size_t recordCount() const { return records_.size(); }

 private:
  struct Record {
    uint64_t number = 0;
    uint64_t job = 0;
    std::string command;
    size_t bytes = 0;
    kj::Function<void(wire::Record::Builder)> write;
  };
  struct Waiter {
    kj::Own<Command> command;
    Verb verb;

    // The event or the barrier, and how many commands are wanted there.
    std::string name;
    uint32_t count = 0;
    kj::TimePoint since;
    kj::TimePoint until;
    kj::Own<kj::PromiseFulfiller<Reply>> fulfiller;
  };
  class Waiting;

  void add(uint64_t job, std::string command, size_t bytes,
           kj::Function<void(wire::Record::Builder)> write);
  void requireCapacity() const;
  void requireOpen() const;
  kj::Promise<Reply> serveListened(Command& command, Request request);
  kj::Promise<Reply> wait(Command& command, const Request& request);
  enum class Leaving { kTimedOut, kEnded };
  void withdraw(uint64_t waiter, Leaving leaving);
  void recordWithdrawal(const Command& command, uint64_t waiter, Leaving leaving);
  kj::Promise<void> pullUntil(uint64_t after, kj::TimePoint end, Begin begin);
  void writePulled(uint64_t after, Begin& begin);
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  const MailboxLimits limits_;
  std::deque<Record> records_;
  size_t recordBytes_ = 0;
  uint64_t lastRecord_ = 0;
  uint64_t lastWaiter_ = 0;
  std::map<uint64_t, Waiter> waiters_;
  kj::Vector<kj::Own<kj::PromiseFulfiller<void>>> pulls_;
  bool isClosed_ = false;
  // The controller has pulled once.
  bool isListenedTo_ = false;
  kj::PromiseFulfillerPair<void> listened_ = kj::newPromiseAndFulfiller<void>();
  kj::ForkedPromise<void> whenListened_ = listened_.promise.fork();
  kj::TaskSet tasks_;
};

}  // namespace nodeagent::sync
