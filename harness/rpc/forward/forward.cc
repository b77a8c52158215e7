#include "harness/rpc/forward/forward.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "harness/rpc/bytes.h"
#include "harness/rpc/forward/local_sockets.h"
#include "harness/rpc/node_calls.h"
#include "harness/values/failure_text.h"
#include "schema/forward.capnp.h"
#include "schema/support/base/crc32c.h"

namespace harness::rpc {
namespace {

using Kind = muster::NodeError::Kind;

constexpr size_t kChunkBytes = 256 << 10;
constexpr int64_t kWaitNs = 20'000'000'000;
// A stream waits for its node as long as the session may last.
constexpr std::chrono::hours kCallMax{24};
constexpr uint32_t kOpenMax = 256;
constexpr auto kPause = 100 * kj::MILLISECONDS;

std::string failureOf(const kj::Exception& exception) {
  return textOf(exception).cStr();
}

}  // namespace

// What both threads know.
struct RunningForward::Shared {
  void note(const std::string& failure) {
    std::lock_guard<std::mutex> lock(mutex);
    numbers.failure = failure;
  }

  mutable std::mutex mutex;
  ForwardNumbers numbers;

  // Belongs to the io thread. Resolving it ends everything there.
  kj::Own<kj::PromiseFulfiller<void>> end;
};

// Everything on the io thread. It is attached to a promise of that thread, and so ends with it.
class RunningForward::OnLoop final : private kj::TaskSet::ErrorHandler {
 public:
  OnLoop(ControllerNode::Impl& node, ForwardPlan plan, std::shared_ptr<Shared> shared)
      : node_(node),
        plan_(std::move(plan)),
        shared_(std::move(shared)),
        scope_(node.scopes.current()),
        links_(*this) {}

  ~OnLoop() noexcept(false) { sayGoodbye(); }
  KJ_DISALLOW_COPY(OnLoop);

  // Resolves with the endpoint that is listened at.
  kj::Promise<std::string> begin(SteadyTime until) {
    if (plan_.way == ForwardWay::kFromNode) {
      return listenThere(plan_.listen, until).then([this](std::string bound) {
        accepting_ = acceptThere(bound, 0).eagerlyEvaluate(
            [this](kj::Exception&& exception) { shared_->note(failureOf(exception)); });
        return bound;
      });
    }
    local_ = listenHere(node_.io.lowLevel(), plan_.listen);
    accepting_ = acceptHere().eagerlyEvaluate(
        [this](kj::Exception&& exception) { shared_->note(failureOf(exception)); });
    return std::string(local_->bound);
  }

 private:
  using Socket = kj::Own<kj::AsyncIoStream>;

  // One connection. Its members go in the opposite order, the promises before the socket.
  struct Link {
    uint64_t stream = 0;
    Socket socket;
    kj::Array<kj::byte> buffer = kj::heapArray<kj::byte>(kChunkBytes);
    std::string chunk;
    uint64_t downOffset = 0;
    uint64_t upOffset = 0;
  };

  // Makes a call for the forward's scope. After the end of the connections there is none to make.
  template <typename T>
  kj::Promise<T> call(SteadyTime until, Attempt<T> attempt) {
    if (!node_.onLoop) return unreachableNode("the connections were closed");
    return node_.connection().call<T>(until, std::move(attempt), scope_);
  }
  SteadyTime callEnd() const { return std::chrono::steady_clock::now() + kCallMax; }

  kj::Promise<void> pause() { return node_.io.timer().afterDelay(kPause); }

  bool isFull() const {
    std::lock_guard<std::mutex> lock(shared_->mutex);
    return shared_->numbers.open >= kOpenMax;
  }

  kj::Promise<std::string> listenThere(const std::string& place, SteadyTime until) {
    listener_ = newNumber();
    return call<std::string>(until, [place, number = listener_](EstablishedConnection& live) {
      auto request = live.get<wire::Forwards>().listenRequest();
      request.setListener(number);
      request.setPlace(place.c_str());
      return request.send().then([](auto&& response) {
        requireNoError(response);
        return std::string(response.getBound().cStr());
      });
    });
  }

  // Takes connections on the node. A session that is gone has taken the listener with it, and the
  // next one gets a new one at the same place.
  kj::Promise<void> acceptThere(std::string bound, uint64_t after) {
    if (isFull()) {
      return pause().then([this, bound, after]() { return acceptThere(bound, after); });
    }
    using Numbers = std::vector<uint64_t>;
    return call<Numbers>(callEnd(),
                         [number = listener_, after](EstablishedConnection& live) {
                           auto request = live.get<wire::Forwards>().acceptRequest();
                           request.setListener(number);
                           request.setAfter(after);
                           request.setWaitNs(kWaitNs);
                           return request.send().then([](auto&& response) {
                             requireNoError(response);
                             Numbers numbers;
                             for (uint64_t each : response.getStreams()) numbers.push_back(each);
                             return numbers;
                           });
                         })
        .then(
            [this, bound, after](Numbers&& numbers) {
              for (uint64_t each : numbers) beginLink(each, connectHere(each));
              return acceptThere(bound, numbers.empty() ? after : numbers.back());
            },
            [this, bound](kj::Exception&& exception) -> kj::Promise<void> {
              Kind kind = kindOf(exception);
              if (kind != Kind::kNotFound && kind != Kind::kLost) return kj::mv(exception);
              return pause()
                  .then([this, bound]() { return listenThere(bound, callEnd()); })
                  .then([this](std::string again) { return acceptThere(again, 0); });
            });
  }

  kj::Promise<void> acceptHere() {
    if (isFull()) {
      return pause().then([this]() { return acceptHere(); });
    }
    return local_->receiver->accept().then(
        [this](Socket&& socket) {
          uint64_t stream = newNumber();
          beginLink(stream, connectThere(stream).then(
                                [socket = kj::mv(socket)]() mutable { return kj::mv(socket); }));
          return acceptHere();
        },
        [this](kj::Exception&& exception) {
          // Such as a lack of descriptors: the next one may be accepted.
          shared_->note(failureOf(exception));
          return pause().then([this]() { return acceptHere(); });
        });
  }

  kj::Promise<void> connectThere(uint64_t stream) {
    return call<bool>(callEnd(),
                      [stream, target = plan_.target](EstablishedConnection& live) {
                        auto request = live.get<wire::Forwards>().connectRequest();
                        request.setStream(stream);
                        request.setTarget(target.c_str());
                        return request.send().then(answered);
                      })
        .ignoreResult();
  }

  kj::Promise<Socket> connectHere(uint64_t) {
    return dialHere(node_.io.provider().getNetwork(), plan_.target);
  }

  // Carries one connection from its making to its end. Its failure is noted, and cuts it.
  void beginLink(uint64_t stream, kj::Promise<Socket> connecting) {
    {
      std::lock_guard<std::mutex> lock(shared_->mutex);
      ++shared_->numbers.open;
      ++shared_->numbers.accepted;
    }
    auto guard = kj::defer([this, stream]() {
      {
        std::lock_guard<std::mutex> lock(shared_->mutex);
        --shared_->numbers.open;
      }
      closeThere(stream);
    });
    links_.add(connecting
                   .then([this, stream](Socket&& socket) {
                     auto link = kj::heap<Link>();
                     link->stream = stream;
                     link->socket = kj::mv(socket);
                     auto carried = carry(*link);
                     return carried.attach(kj::mv(link));
                   })
                   .attach(kj::mv(guard)));
  }

  // Ends when both directions have, or at the first failure of one.
  kj::Promise<void> carry(Link& link) {
    auto failed = kj::newPromiseAndFulfiller<void>();
    auto failing = kj::refcounted<Failing>(kj::mv(failed.fulfiller));
    kj::Vector<kj::Promise<void>> ways;
    for (auto way : {&OnLoop::carryDown, &OnLoop::carryUp}) {
      ways.add((this->*way)(link).catch_(
          [failing = kj::addRef(*failing)](kj::Exception&& exception) mutable {
            failing->fulfiller->reject(kj::mv(exception));
          }));
    }
    return kj::joinPromises(ways.releaseAsArray()).exclusiveJoin(kj::mv(failed.promise));
  }

  struct Failing : kj::Refcounted {
    explicit Failing(kj::Own<kj::PromiseFulfiller<void>> ofPromise)
        : fulfiller(kj::mv(ofPromise)) {}
    kj::Own<kj::PromiseFulfiller<void>> fulfiller;
  };

  struct Part {
    std::string bytes;
    bool isEnd = false;
  };

  // From the node's socket to ours.
  kj::Promise<void> carryDown(Link& link) {
    return call<Part>(callEnd(),
                      [&link](EstablishedConnection& live) {
                        auto request = live.get<wire::Forwards>().readRequest();
                        request.setStream(link.stream);
                        request.setFrom(link.downOffset);
                        request.setBytesMax(kChunkBytes);
                        request.setWaitNs(kWaitNs);
                        return request.send().then([](auto&& response) {
                          requireNoError(response);
                          auto data = response.getChunk().getData();
                          if (support::crc32c(data) != response.getChunk().getCrc32c()) {
                            support::fail(wire::Error::Kind::CORRUPT,
                                          "the check sum of a chunk differs");
                          }
                          return Part{stringOf(data), response.getEnded()};
                        });
                      })
        .then([this, &link](Part&& part) -> kj::Promise<void> {
          link.downOffset += part.bytes.size();
          link.chunk = std::move(part.bytes);
          bool isEnd = part.isEnd;
          auto written = link.chunk.empty()
                             ? kj::Promise<void>(kj::READY_NOW)
                             : link.socket->write(link.chunk.data(), link.chunk.size());
          return written.then([this, &link, isEnd]() -> kj::Promise<void> {
            if (!isEnd) return carryDown(link);
            link.socket->shutdownWrite();
            return kj::READY_NOW;
          });
        });
  }

  // From our socket to the node's.
  kj::Promise<void> carryUp(Link& link) {
    return link.socket->tryRead(link.buffer.begin(), 1, link.buffer.size())
        .then([this, &link](size_t count) {
          bool isEnd = count == 0;
          return offer(link, link.upOffset, count, isEnd)
              .then([this, &link, isEnd]() -> kj::Promise<void> {
                if (isEnd) return kj::READY_NOW;
                return carryUp(link);
              });
        });
  }

  // Sends what the node does not hold yet of the buffer, whose first byte is at `begin`.
  kj::Promise<void> offer(Link& link, uint64_t begin, size_t count, bool isEnd) {
    return call<uint64_t>(callEnd(),
                          [&link, begin, count, isEnd](EstablishedConnection& live) {
                            size_t done = link.upOffset - begin;
                            auto data = link.buffer.slice(done, count);
                            auto request = live.get<wire::Forwards>().writeRequest();
                            request.setStream(link.stream);
                            auto chunk = request.initChunk();
                            chunk.setOffset(link.upOffset);
                            chunk.setData(data);
                            chunk.setCrc32c(support::crc32c(data));
                            request.setEnd(isEnd);
                            request.setWaitNs(kWaitNs);
                            return request.send().then([](auto&& response) {
                              requireNoError(response);
                              return response.getAcceptedTo();
                            });
                          })
        .then([this, &link, begin, count, isEnd](uint64_t acceptedTo) -> kj::Promise<void> {
          link.upOffset = std::clamp(acceptedTo, link.upOffset, begin + count);
          if (link.upOffset == begin + count) return kj::READY_NOW;
          return offer(link, begin, count, isEnd);
        });
  }

  // Says so to the node, and does not wait for it: the session's end closes the stream at last.
  void closeThere(uint64_t stream) {
    if (!node_.onLoop) return;
    auto closed = call<bool>(std::chrono::steady_clock::now() + std::chrono::seconds(5),
                             [stream](EstablishedConnection& live) {
                               auto request = live.get<wire::Forwards>().closeRequest();
                               request.initStreams(1).set(0, stream);
                               return request.send().then(answered);
                             });
    node_.io.spawn(closed.ignoreResult().catch_([](kj::Exception&&) {}));
  }

  void sayGoodbye() {
    if (listener_ == 0 || !node_.onLoop) return;
    auto closed = call<bool>(std::chrono::steady_clock::now() + std::chrono::seconds(5),
                             [number = listener_](EstablishedConnection& live) {
                               auto request = live.get<wire::Forwards>().closeListenerRequest();
                               request.setListener(number);
                               return request.send().then(answered);
                             });
    node_.io.spawn(closed.ignoreResult().catch_([](kj::Exception&&) {}));
  }

  void taskFailed(kj::Exception&& exception) override { shared_->note(failureOf(exception)); }

  uint64_t newNumber() { return (node_.io.randomNumber() >> 2) + 1; }

  ControllerNode::Impl& node_;
  const ForwardPlan plan_;
  std::shared_ptr<Shared> shared_;
  const ScopeHandle scope_;
  kj::Own<LocalListener> local_;
  // On the node. 0: none.
  uint64_t listener_ = 0;
  kj::TaskSet links_;
  kj::Promise<void> accepting_ = nullptr;
};

RunningForward::RunningForward(ControllerNode& node, ForwardPlan plan)
    : node_(&node), plan_(std::move(plan)), shared_(std::make_shared<Shared>()) {}

RunningForward RunningForward::begin(ControllerNode& node, const ForwardPlan& plan,
                                     SteadyTime until) {
  RunningForward made(node, plan);
  ControllerNode::Impl& impl = node.impl();
  std::string operation = "forward " + plan.listen + " to " + plan.target;
  made.bound_ = impl.blocking(operation, until, [&]() {
    auto onLoop = kj::heap<OnLoop>(impl, plan, made.shared_);
    auto begun = onLoop->begin(until);
    return begun.then(
        [&impl, shared = made.shared_, onLoop = kj::mv(onLoop)](std::string bound) mutable {
          auto end = kj::newPromiseAndFulfiller<void>();
          shared->end = kj::mv(end.fulfiller);
          impl.io.spawn(end.promise.attach(kj::mv(onLoop)));
          return bound;
        });
  });
  return made;
}

RunningForward::~RunningForward() {
  end();
}

RunningForward::RunningForward(RunningForward&& other) noexcept = default;

RunningForward& RunningForward::operator=(RunningForward&& other) noexcept {
  if (this == &other) return *this;
  end();
  node_ = other.node_;
  plan_ = std::move(other.plan_);
  bound_ = std::move(other.bound_);
  shared_ = std::move(other.shared_);
  return *this;
}

// Waits until nothing is listened at, so that the next one can have the place.
void RunningForward::end() noexcept {
  auto shared = std::exchange(shared_, nullptr);
  if (!shared) return;
  try {
    node_->impl().blocking("end a forward", std::chrono::steady_clock::now() + kLoopGrace, [&]() {
      if (shared->end) shared->end->fulfill();
      // The promise goes in the next turn of the loop.
      return node_->impl().io.timer().afterDelay(1 * kj::MILLISECONDS).then([]() { return true; });
    });
  } catch (const std::exception&) {
    // The loop has ended, and the forward with it; or calls are refused, since the program ends.
    node_->impl().io.post([shared]() {
      if (shared->end) shared->end->fulfill();
    });
  }
}

const std::string& RunningForward::node() const {
  return node_->description().name;
}

ForwardNumbers RunningForward::numbers() const {
  std::lock_guard<std::mutex> lock(shared_->mutex);
  return shared_->numbers;
}

}  // namespace harness::rpc
