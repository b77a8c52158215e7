// Tries one connection between two ends in this process, with peers that are slow, hostile or gone.
#include "schema/support/rpc/rpc_connection.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include <capnp/rpc.capnp.h>
#include <gtest/gtest.h>
#include <kj/debug.h>
#include <kj/io.h>

#include "schema/agent.capnp.h"
#include "schema/job.capnp.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/socket_stream.h"

namespace support {
namespace {

// Answers each ping when told to.
class FakeSession final : public wire::Session::Server {
 public:
  kj::Promise<void> ping(PingContext context) override {
    ++pings;
    if (!hold) return kj::READY_NOW;
    context.allowCancellation();
    return kj::NEVER_DONE;
  }
  kj::Promise<void> close(CloseContext context) override {
    // An answer of 1 KiB for each of very small calls.
    context.getResults().initLeftovers(1)[0].setWhat(kj::str(kj::repeat('x', leftoverBytes)));
    return kj::READY_NOW;
  }
  int pings = 0;
  bool hold = false;
  size_t leftoverBytes = 1000;
};

class RpcConnectionTest : public testing::Test {
 protected:
  RpcConnectionTest() {
    auto server = kj::heap<FakeSession>();
    served_ = server.get();
    capability_ = kj::mv(server);
  }
  ~RpcConnectionTest() noexcept override {}

  // Both ends over a socket pair.
  void connect(GuardOptions options = {}) {
    auto pair = sockets();
    server_ = kj::heap<RpcConnection>(kj::mv(pair.first), timer(), capability_, options);
    client_ = kj::heap<RpcConnection>(kj::mv(pair.second), timer());
  }

  std::pair<kj::Own<kj::AsyncIoStream>, kj::Own<kj::AsyncIoStream>> sockets() {
    int ends[2];
    KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
    auto wrap = [this](int end) -> kj::Own<kj::AsyncIoStream> {
      return kj::heap<SocketStream>(io_.unixEventPort, kj::AutoCloseFd(end));
    };
    auto first = wrap(ends[0]);
    return {kj::mv(first), wrap(ends[1])};
  }

  kj::Timer& timer() { return io_.provider->getTimer(); }
  void pause() { timer().afterDelay(5 * kj::MILLISECONDS).wait(io_.waitScope); }
  wire::Session::Client session() { return client_->bootstrap().castAs<wire::Session>(); }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  CapturedLog log_;
  FakeSession* served_;
  wire::Session::Client capability_ = nullptr;
  kj::Own<RpcConnection> server_;
  kj::Own<RpcConnection> client_;
};

TEST_F(RpcConnectionTest, ManyCallsAtOnceAreAnswered) {
  connect();
  auto target = session();
  kj::Vector<kj::Promise<void>> calls;
  for (int i = 0; i < 500; ++i) calls.add(target.pingRequest().send().ignoreResult());
  kj::joinPromises(calls.releaseAsArray()).wait(io_.waitScope);
  EXPECT_EQ(served_->pings, 500);
}

// Counted where they arrive.
TEST_F(RpcConnectionTest, FinishOfASmallAnswerWaitsForTheNextMessage) {
  connect();
  int arrived = 0;
  server_->stream().onArrival([&arrived]() { ++arrived; });
  auto target = session();
  target.pingRequest().send().wait(io_.waitScope);
  pause();
  EXPECT_LE(arrived, 2);  // Bootstrap and call.
  target.pingRequest().send().wait(io_.waitScope);
  pause();
  EXPECT_GE(arrived, 4);  // These include the end of the first call and of the bootstrap.
}

TEST_F(RpcConnectionTest, CancelIsSentAtOnceUnderAReusedNumber) {
  connect();
  auto target = session();
  target.pingRequest().send().wait(io_.waitScope);
  int arrived = 0;
  server_->stream().onArrival([&arrived]() { ++arrived; });
  for (int round = 0; round < 3; ++round) {
    served_->hold = true;
    auto held = target.pingRequest().send();
    EXPECT_FALSE(held.poll(io_.waitScope));
    pause();
    int before = arrived;
    { auto dropped = kj::mv(held); }
    pause();
    EXPECT_EQ(arrived, before + 1) << round;
    served_->hold = false;
    target.pingRequest().send().wait(io_.waitScope);
  }
}

TEST_F(RpcConnectionTest, ShutdownRejectsOpenCallsOfThePeer) {
  connect();
  served_->hold = true;
  auto call = session().pingRequest().send();
  EXPECT_FALSE(call.poll(io_.waitScope));
  server_->shutdown();
  client_->onDisconnect().wait(io_.waitScope);
  EXPECT_ANY_THROW(call.wait(io_.waitScope));
}

TEST_F(RpcConnectionTest, DestructionWithOpenCallsIsSafeOnEitherSide) {
  for (int side = 0; side < 2; ++side) {
    connect();
    served_->hold = true;
    auto call = session().pingRequest().send();
    EXPECT_FALSE(call.poll(io_.waitScope));
    (side == 0 ? client_ : server_) = nullptr;
    EXPECT_ANY_THROW(call.wait(io_.waitScope));
  }
}

// The peer would end the connection over a frame that is too large.
TEST_F(RpcConnectionTest, MessageThatIsTooLargeFailsAloneAndIsNotSent) {
  connect(clientGuardOptions());
  auto target = session();
  target.pingRequest().send().wait(io_.waitScope);
  auto callWith = [&](size_t bytes) {
    // The server does not have this interface, and says so if the call arrives.
    auto request = target.castAs<wire::Jobs>().writeInputRequest();
    request.initChunk().initData(static_cast<unsigned>(bytes));
    return KJ_ASSERT_NONNULL(
        kj::runCatchingExceptions([&]() { request.send().ignoreResult().wait(io_.waitScope); }));
  };
  size_t most = kMessageWordsMax * sizeof(capnp::word);
  EXPECT_EQ(callWith(most - 1024).getType(), kj::Exception::Type::UNIMPLEMENTED);
  for (size_t bytes : {most, 2 * most, 10 * most}) {
    auto failure = carriedFailure(callWith(bytes));
    ASSERT_TRUE(failure != nullptr) << bytes;
    EXPECT_EQ(KJ_ASSERT_NONNULL(failure).kind, wire::Error::Kind::INVALID);
  }
  target.pingRequest().send().wait(io_.waitScope);
  EXPECT_EQ(served_->pings, 2);
}

TEST_F(RpcConnectionTest, AnswerThatIsTooLargeIsAFailureOfItsCall) {
  connect();
  auto target = session();
  served_->leftoverBytes = kFrameBytesMax;
  auto exception = kj::runCatchingExceptions(
      [&]() { target.closeRequest().send().ignoreResult().wait(io_.waitScope); });
  ASSERT_TRUE(exception != nullptr);
  EXPECT_TRUE(strstr(KJ_ASSERT_NONNULL(exception).getDescription().cStr(), "too large to be sent"));
  target.pingRequest().send().wait(io_.waitScope);
}

TEST_F(RpcConnectionTest, BootstrapOfAnEndedConnectionIsABrokenCapability) {
  connect();
  session().pingRequest().send().wait(io_.waitScope);
  server_->shutdown();
  for (int i = 0; i < 20; ++i) {
    EXPECT_ANY_THROW(session().pingRequest().send().wait(io_.waitScope)) << i;
    io_.waitScope.poll();
  }
}

TEST_F(RpcConnectionTest, OpenCallsBeyondTheLimitEndTheConnection) {
  GuardOptions options;
  options.questionsMax = 10;
  connect(options);
  served_->hold = true;
  auto target = session();
  kj::Vector<capnp::RemotePromise<wire::Session::PingResults>> calls;
  for (int i = 0; i < 9; ++i) calls.add(target.pingRequest().send());
  auto ended = client_->onDisconnect();
  EXPECT_FALSE(ended.poll(io_.waitScope));
  for (int i = 0; i < 3; ++i) calls.add(target.pingRequest().send());
  ended.wait(io_.waitScope);
}

TEST_F(RpcConnectionTest, BootstrapsBeyondTheLimitEndTheConnection) {
  connect();
  for (int i = 0; i < 4; ++i) session().pingRequest().send().wait(io_.waitScope);
  EXPECT_EQ(served_->pings, 4);
  EXPECT_ANY_THROW(session().pingRequest().send().wait(io_.waitScope));
}

TEST_F(RpcConnectionTest, FramesAreLimitedUntilThePeerIsAdmitted) {
  connect();
  auto big = [this]() {
    auto gate = client_->bootstrap().castAs<wire::Gate>();
    auto request = gate.helloRequest();
    request.initGreeting().setSessionId(kj::heapArray<kj::byte>(100'000));
    return request.send().ignoreResult();
  };
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { big().wait(io_.waitScope); })) {
    EXPECT_EQ(exception->getType(), kj::Exception::Type::DISCONNECTED);
  }
  connect();
  server_->stream().setFrameBytesMax(kFrameBytesMax);
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { big().wait(io_.waitScope); })) {
    EXPECT_EQ(exception->getType(),
              kj::Exception::Type::UNIMPLEMENTED);  // It got there; a Session is no Gate.
  }
}

// Writes calls of Session.close, each with its Finish, and never reads an answer.
class RudePeer {
 public:
  RudePeer(kj::AsyncIoStream& stream, kj::Timer& timer) : stream_(stream, timer, GuardOptions()) {}

  kj::Promise<void> ask(uint32_t calls) {
    return send([](capnp::rpc::Message::Builder message) {
             message.initBootstrap().setQuestionId(0);
           })
        .then([this, calls]() { return ask(1, calls); });
  }

  uint32_t asked = 0;

 private:
  kj::Promise<void> ask(uint32_t question, uint32_t calls) {
    if (question > calls) return kj::READY_NOW;
    asked = question;
    return send([question](capnp::rpc::Message::Builder message) {
             auto call = message.initCall();
             call.setQuestionId(question);
             call.initTarget().initPromisedAnswer().setQuestionId(0);
             call.setInterfaceId(capnp::typeId<wire::Session>());
             call.setMethodId(1);
             call.initParams();
           })
        .then([this, question]() {
          return send([question](capnp::rpc::Message::Builder message) {
            message.initFinish().setQuestionId(question);
          });
        })
        .then([this, question, calls]() { return ask(question + 1, calls); });
  }

  template <typename Fill>
  kj::Promise<void> send(Fill&& fill) {
    auto message = kj::heap<capnp::MallocMessageBuilder>();
    fill(message->initRoot<capnp::rpc::Message>());
    auto written = static_cast<capnp::MessageStream&>(stream_).writeMessage(*message);
    return written.attach(kj::mv(message));
  }

  GuardedStream stream_;
};

// The server must stop reading such a peer instead of queueing answers without end.
TEST_F(RpcConnectionTest, PeerThatNeverReadsCannotMakeTheQueueGrow) {
  constexpr uint32_t kCalls = 20'000;
  auto pair = sockets();
  server_ = kj::heap<RpcConnection>(kj::mv(pair.first), timer(), capability_, GuardOptions());
  RudePeer peer(*pair.second, timer());
  auto asking = peer.ask(kCalls).eagerlyEvaluate([](kj::Exception&&) {});
  for (int quiet = 0; quiet < 20; ++quiet) {
    uint32_t before = peer.asked;
    io_.waitScope.poll();
    timer().afterDelay(1 * kj::MILLISECONDS).wait(io_.waitScope);
    if (peer.asked != before) quiet = 0;
  }
  EXPECT_LT(peer.asked, kCalls);
  EXPECT_LE(server_->queueCount(), 300u);
  EXPECT_GT(server_->queueCount(), 200u);
  server_ = nullptr;  // The queue is full, and the destructor must not recurse.
}

TEST_F(RpcConnectionTest, BadBytesEndOnlyTheirConnection) {
  auto pair = sockets();
  server_ = kj::heap<RpcConnection>(kj::mv(pair.first), timer(), capability_, GuardOptions());
  auto ended = server_->onDisconnect();
  std::string bytes(8, '\xff');
  pair.second->write(bytes.data(), bytes.size()).wait(io_.waitScope);
  ended.wait(io_.waitScope);
  connect();
  session().pingRequest().send().wait(io_.waitScope);
  EXPECT_EQ(served_->pings, 1);
}

}  // namespace
}  // namespace support
