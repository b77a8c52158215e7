// Brings what the commands of one node say to the board, and the board's answers to those that
// wait there. It decides nothing. On the io thread.
//
// Records come by a long poll that names the last one that was taken over, so none is missed when
// the connection breaks. Answers may be sent twice.
#pragma once

#include <stdint.h>

#include <deque>
#include <memory>
#include <string>
#include <variant>

#include <kj/async.h>
#include <kj/common.h>
#include <kj/memory.h>

#include "harness/rpc/connection.h"
#include "harness/rpc/sync/board.h"
#include "schema/sync.capnp.h"

namespace harness {

class SyncFeed {
 public:
  // Begins to ask. Borrows `connection`.
  SyncFeed(Connection& connection, std::shared_ptr<SyncBoard> board);
  ~SyncFeed();
  KJ_DISALLOW_COPY(SyncFeed);

  // Takes over what the commands have said up to now, if there is a connection. Never rejects:
  // what cannot be had by `until` comes later.
  kj::Promise<void> flush(SteadyTime until);

  // Asks for the end of a command.
  void watch(uint64_t number);

  // Says why the agent does not serve its commands; empty if it does, as far as is known.
  const std::string& unserved() const { return unserved_; }

 private:
  struct Answered {
    uint64_t waiter = 0;
    SyncAnswer answer;
  };
  struct Watched {
    uint64_t number = 0;
  };
  using Message = std::variant<Answered, Watched>;

  // Is shared with the replies that the board holds, which may outlive the feed.
  struct Outbox {
    // The session that the messages are for.
    uint64_t generation = 0;
    std::deque<Message> messages;
    kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> added;
    void add(uint64_t ofGeneration, Message message);
  };

  void meet(uint64_t generation);
  kj::Promise<void> pullAll();
  kj::Promise<bool> pullOnce(SteadyTime until, int64_t waitNs);
  void noteFailure(const kj::Exception& exception);
  void take(capnp::List<wire::Record>::Reader records);
  void takeRecord(wire::Record::Reader record);
  SyncBoard::Reply replyTo(uint64_t waiter) const;
  kj::Promise<void> sendAll();
  kj::Promise<void> sendFirst();
  kj::Promise<bool> sendAnswers(EstablishedConnection& live, size_t count);
  kj::Promise<void> pause(kj::Duration length);

  Connection& connection_;
  const std::string node_;
  std::shared_ptr<SyncBoard> board_;
  std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>();

  // The last record that was taken over, of this session.
  uint64_t generation_ = 0;
  uint64_t taken_ = 0;
  std::string unserved_;

  // They come last because they use all members above.
  kj::Promise<void> pulling_;
  kj::Promise<void> sending_;
};

}  // namespace harness
