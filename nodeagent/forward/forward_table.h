// Holds the streams and listeners of one session.
#pragma once

#include <map>

#include <kj/async-unix.h>
#include <kj/refcount.h>

#include "nodeagent/forward/byte_stream.h"
#include "nodeagent/forward/socket_journal.h"
#include "schema/support/base/endpoint.h"
#include "schema/support/rpc/listener.h"

namespace nodeagent::forward {

constexpr size_t kStreamsMax = 512;
constexpr size_t kListenersMax = 64;
constexpr uint64_t kAcceptedFrom = uint64_t{1} << 63;

// The surroundings, which outlive all tables, and the bounds for all of them together.
struct Surroundings {
  kj::UnixEventPort& port;
  kj::Timer& timer;
  const SocketJournal& journal;
  size_t streams = 0;
  size_t listeners = 0;
};

// Its functions fail as the methods of the same names in schema/forward.capnp say.
class ForwardTable final : public kj::Refcounted, public kj::TaskSet::ErrorHandler {
 public:
  explicit ForwardTable(Surroundings& around)
      : around_(around), draining_(kj::heap<kj::TaskSet>(*this)) {}
  ~ForwardTable() noexcept(false);
  KJ_DISALLOW_COPY(ForwardTable);

  kj::Promise<void> connect(uint64_t number, const support::Endpoint& target);

  // Returns the endpoint with the port that the kernel chose.
  support::Endpoint listen(uint64_t number, const support::Endpoint& place);

  // Tells whether these calls would find what they make.
  bool hasStream(uint64_t number) const { return streams_.count(number) != 0; }
  bool hasListener(uint64_t number) const { return listeners_.count(number) != 0; }

  kj::Promise<kj::Array<uint64_t>> accept(uint64_t number, uint64_t after, int64_t waitNs);

  ByteStream& stream(uint64_t number);
  void closeStream(uint64_t number);
  void closeListener(uint64_t number);

  // Closes everything, and lets nothing be made any more. Resolves when the streams that
  // closeStream had closed before have delivered what they held, after two seconds at most.
  kj::Promise<void> close();

 private:
  struct Stream {
    kj::Maybe<kj::Own<ByteStream>> bytes;
    // Present while the stream is being connected.
    kj::Maybe<kj::ForkedPromise<void>> connecting;
    kj::Canceler dialing;
  };
  struct ListenerEntry {
    support::Endpoint asked;
    kj::Own<support::Listener> listener;
    kj::Vector<uint64_t> accepted;
    ChangeSignal changed;
    kj::Maybe<support::Failure> failure;
    kj::Promise<void> accepting = nullptr;
  };

  Stream& addStream(uint64_t number);
  void addConnected(uint64_t number, kj::Own<kj::AsyncIoStream> socket);
  // Closes a stream at once, with all that it holds.
  void cutStream(uint64_t number);
  void cutAll();
  kj::Promise<void> acceptAll(ListenerEntry& entry);
  kj::Promise<void> admit(ListenerEntry& entry, support::AcceptedSocket accepted);
  ListenerEntry& listener(uint64_t number);
  void drop(ListenerEntry& entry);
  void taskFailed(kj::Exception&& exception) override;

  Surroundings& around_;
  std::map<uint64_t, Stream> streams_;
  std::map<uint64_t, kj::Own<ListenerEntry>> listeners_;
  uint64_t acceptedNext_ = kAcceptedFrom;
  bool isClosed_ = false;
  // The streams that were closed and have not delivered all. Each counts as open.
  kj::Own<kj::TaskSet> draining_;
};

}  // namespace nodeagent::forward
