#include "nodeagent/forward/forward_table.h"

#include <unistd.h>

#include "nodeagent/forward/dial.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/socket_stream.h"

namespace nodeagent::forward {
namespace {

using Kind = wire::Error::Kind;

constexpr kj::Duration kFullPause = 50 * kj::MILLISECONDS;
// A session that ends waits this long for what its closed streams hold.
constexpr kj::Duration kLastBytesMax = 2 * kj::SECONDS;

}  // namespace

ForwardTable::~ForwardTable() noexcept(false) {
  cutAll();
}

ForwardTable::Stream& ForwardTable::addStream(uint64_t number) {
  if (isClosed_) support::fail(Kind::EXPIRED, "the session is ending");
  if (around_.streams >= kStreamsMax) {
    support::fail(Kind::OVERLOADED, "the node carries ", kStreamsMax, " streams already");
  }
  ++around_.streams;
  return streams_[number];
}

kj::Promise<void> ForwardTable::connect(uint64_t number, const support::Endpoint& target) {
  if (number == 0 || number >= kAcceptedFrom) {
    support::fail(Kind::INVALID, "stream: ", number, " is not between 1 and 2^63 - 1");
  }
  auto found = streams_.find(number);
  if (found != streams_.end()) {
    KJ_IF_MAYBE (connecting, found->second.connecting) return connecting->addBranch();
    return kj::READY_NOW;
  }
  Stream& stream = addStream(number);
  // Without the table nobody waits for the connection.
  auto connecting =
      stream.dialing.wrap(kj::evalNow([&]() { return dial(around_.port, around_.timer, target); }))
          .then([this, number](kj::Own<kj::AsyncIoStream>&& socket) {
            addConnected(number, kj::mv(socket));
          })
          .fork();
  auto answer = connecting.addBranch();
  stream.connecting = kj::mv(connecting);
  return answer
      .then(
          [this, number]() {
            auto made = streams_.find(number);
            if (made != streams_.end()) made->second.connecting = nullptr;
          },
          [this, number](kj::Exception&& exception) {
            cutStream(number);
            kj::throwFatalException(kj::mv(exception));
          })
      .attach(kj::addRef(*this));
}

// It may have been closed since it was dialled.
void ForwardTable::addConnected(uint64_t number, kj::Own<kj::AsyncIoStream> socket) {
  auto found = streams_.find(number);
  if (found == streams_.end()) support::fail(Kind::NOT_FOUND, "stream ", number, " was closed");
  found->second.bytes = kj::refcounted<ByteStream>(around_.timer, kj::mv(socket));
}

support::Endpoint ForwardTable::listen(uint64_t number, const support::Endpoint& place) {
  auto found = listeners_.find(number);
  if (found != listeners_.end()) {
    if (found->second->asked == place) return found->second->listener->endpoint();
    support::fail(Kind::CONFLICT, "listener ", number, " listens at ",
                  found->second->asked.text().c_str());
  }
  if (isClosed_) support::fail(Kind::EXPIRED, "the session is ending");
  if (around_.listeners >= kListenersMax) {
    support::fail(Kind::OVERLOADED, "the node has ", kListenersMax, " listeners already");
  }
  auto entry = kj::heap<ListenerEntry>();
  entry->asked = place;
  bool isUnix = place.transport == support::Transport::kUnix;
  bool isNoted = isUnix && around_.journal.note(place.path().c_str());
  KJ_ON_SCOPE_FAILURE(if (isNoted) around_.journal.drop(place.path().c_str()));
  entry->listener = support::Listener::open(place, around_.port, around_.timer);
  if (isUnix) entry->listener->openToAll();
  entry->accepting =
      acceptAll(*entry).eagerlyEvaluate([&entry = *entry](kj::Exception&& exception) {
        entry.failure = support::toFailure(exception, "forwards.accept");
        entry.changed.notify();
      });
  ++around_.listeners;
  support::Endpoint bound = entry->listener->endpoint();
  listeners_.emplace(number, kj::mv(entry));
  return bound;
}

kj::Promise<void> ForwardTable::acceptAll(ListenerEntry& entry) {
  return entry.listener->accept().then([this, &entry](support::AcceptedSocket&& accepted) {
    return admit(entry, kj::mv(accepted));
  });
}

// While there are too many streams, this connection waits here, and others in the backlog: another
// call may have taken the last place since it was accepted.
kj::Promise<void> ForwardTable::admit(ListenerEntry& entry, support::AcceptedSocket accepted) {
  if (around_.streams >= kStreamsMax) {
    return around_.timer.afterDelay(kFullPause)
        .then([this, &entry, accepted = kj::mv(accepted)]() mutable {
          return admit(entry, kj::mv(accepted));
        });
  }
  // The kernel may lack what one connection needs. The next one may be accepted.
  auto refused = kj::runCatchingExceptions([&]() {
    auto socket = kj::heap<support::SocketStream>(around_.port, kj::mv(accepted.socket));
    uint64_t number = acceptedNext_++;
    addStream(number).bytes = kj::refcounted<ByteStream>(around_.timer, kj::mv(socket));
    entry.accepted.add(number);
    entry.changed.notify();
  });
  KJ_IF_MAYBE (exception, refused) {
    support::logLimited("forwards.accept", support::Level::kWarn,
                        "a forwarded connection was cut; going on",
                        {{"reason", support::reasonOf(*exception)}});
  }
  return acceptAll(entry);
}

ForwardTable::ListenerEntry& ForwardTable::listener(uint64_t number) {
  auto found = listeners_.find(number);
  if (found == listeners_.end()) {
    support::fail(Kind::NOT_FOUND, "listener ", number, " is not there");
  }
  return *found->second;
}

kj::Promise<kj::Array<uint64_t>> ForwardTable::accept(uint64_t number, uint64_t after,
                                                      int64_t waitNs) {
  ListenerEntry& entry = listener(number);
  kj::Vector<uint64_t> left;
  for (uint64_t each : entry.accepted) {
    if (each > after) left.add(each);
  }
  entry.accepted = kj::mv(left);
  if (entry.accepted.size() > 0 || waitNs <= 0) return kj::heapArray(entry.accepted.asPtr());
  KJ_IF_MAYBE (failure, entry.failure) kj::throwFatalException(support::toException(*failure));
  return entry.changed.next(around_.timer, waitNs)
      .then([this, number, after]() { return accept(number, after, 0); })
      .attach(kj::addRef(*this));
}

ByteStream& ForwardTable::stream(uint64_t number) {
  auto found = streams_.find(number);
  if (found != streams_.end()) {
    KJ_IF_MAYBE (bytes, found->second.bytes) return **bytes;
  }
  support::fail(Kind::NOT_FOUND, "stream ", number, " is not there");
}

void ForwardTable::closeStream(uint64_t number) {
  auto closed = streams_.extract(number);
  if (closed.empty()) return;
  auto freeing = kj::defer([&around = around_]() { --around.streams; });
  closed.mapped().dialing.cancel(
      support::failure(Kind::NOT_FOUND, "stream ", number, " was closed"));
  KJ_IF_MAYBE (bytes, closed.mapped().bytes) {
    auto drained = (*bytes)->drain();
    draining_->add(drained.attach(kj::mv(*bytes), kj::mv(freeing)));
  }
}

void ForwardTable::cutStream(uint64_t number) {
  auto cut = streams_.extract(number);
  if (cut.empty()) return;
  --around_.streams;
  cut.mapped().dialing.cancel(support::failure(Kind::NOT_FOUND, "stream ", number, " was closed"));
  KJ_IF_MAYBE (bytes, cut.mapped().bytes) (*bytes)->close();
}

void ForwardTable::taskFailed(kj::Exception&& exception) {
  support::log(support::Level::kWarn, "a closed stream was cut before it had delivered all",
               {{"reason", support::reasonOf(exception)}});
}

void ForwardTable::drop(ListenerEntry& entry) {
  entry.accepting = nullptr;
  for (uint64_t number : entry.accepted) cutStream(number);
  entry.listener = nullptr;
  if (entry.asked.transport == support::Transport::kUnix) {
    ::unlink((entry.asked.path() + ".lock").c_str());
    around_.journal.drop(entry.asked.path().c_str());
  }
  entry.changed.notify();
  --around_.listeners;
}

void ForwardTable::closeListener(uint64_t number) {
  auto closed = listeners_.extract(number);
  if (!closed.empty()) drop(*closed.mapped());
}

void ForwardTable::cutAll() {
  isClosed_ = true;
  while (!listeners_.empty()) closeListener(listeners_.begin()->first);
  while (!streams_.empty()) cutStream(streams_.begin()->first);
}

kj::Promise<void> ForwardTable::close() {
  cutAll();
  return draining_->onEmpty()
      .exclusiveJoin(around_.timer.afterDelay(kLastBytesMax))
      .then([self = kj::addRef(*this)]() mutable { self->draining_ = nullptr; });
}

}  // namespace nodeagent::forward
