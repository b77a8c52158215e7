// Tries what a controller meets, with front and keeper in one event loop over real sockets.
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include <capnp/message.h>
#include <capnp/rpc.capnp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>

#include "nodeagent/agent_test/agent_fixture.h"
#include "schema/support/base/socket.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;
using testing::HasSubstr;

TEST_F(AgentTest, LocalClientIsAdmittedAsItsUid) {
  startFront();
  auto connection = connect();
  auto welcome = hello(*connection);
  EXPECT_FALSE(welcome.hasError());
  EXPECT_EQ(std::string(welcome.getWelcome().getIdentity().cStr()),
            "uid:" + std::to_string(geteuid()));
  EXPECT_EQ(welcome.getWelcome().getRole(), wire::Role::ADMIN);
  auto answer = welcome.getSession().pingRequest().send().wait(io_.waitScope);
  EXPECT_GT(answer.getClock().getBoottimeNs(), welcome.getWelcome().getClock().getBoottimeNs());
}

TEST_F(AgentTest, TlsClientIsAdmittedAsItsCertificateSays) {
  startFront();
  support::TlsClient tls({authority().certificate(), authority().issueClient("observer:web")});
  auto connection = connect(1, tls);
  auto welcome = hello(*connection);
  EXPECT_STREQ(welcome.getWelcome().getIdentity().cStr(), "observer:web");
  EXPECT_EQ(welcome.getWelcome().getRole(), wire::Role::OBSERVER);
}

TEST_F(AgentTest, ForeignCertificateIsRefusedWithThatReason) {
  startFront();
  auto foreign = support::Authority::make("another");
  support::TlsClient tls({authority().certificate(), foreign.issueClient("operator:ci")});
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                 auto connection = connect(1, tls);
                 hello(*connection);
               })) {
    EXPECT_EQ(support::classify(*exception), support::Remedy::kFixIdentity);
  } else {
    ADD_FAILURE() << "it was let in";
  }
}

TEST_F(AgentTest, SessionOutlivesTheFront) {
  startFront();
  auto first = connect();
  EXPECT_FALSE(hello(*first).getWelcome().getAttached());
  frontOptions_.listen = {endpoint("unix:" + directory_ + "/agent.sock")};
  frontOptions_.keeper = endpoint("unix:" + directory_ + "/keeper.sock");
  frontOptions_.localUid = geteuid();
  frontRun_ = nullptr;
  front_ = nullptr;
  EXPECT_TRUE(ends(*first));
  startFront();
  auto second = connect();
  EXPECT_TRUE(hello(*second, 0, wire::Attach::ATTACH_ONLY).getWelcome().getAttached());
  EXPECT_EQ(sessions_.count(), 1u);
}

TEST_F(AgentTest, FramesOfFullSizePassOnlyAfterHello) {
  startFront();
  auto big = [](wire::Gate::Client gate) {
    auto request = gate.helloRequest();
    request.initGreeting().initSessionId(1 << 20);
    return request.send().ignoreResult();
  };
  auto stranger = connect();
  EXPECT_ANY_THROW(big(stranger->bootstrap().castAs<wire::Gate>()).wait(io_.waitScope));
  auto known = connect();
  hello(*known);
  big(known->bootstrap().castAs<wire::Gate>()).wait(io_.waitScope);
}

TEST_F(AgentTest, SilentClientIsCutOffButAPingingOneIsNot) {
  startFront();
  auto silent = connect();
  hello(*silent, 200'000'000);
  auto busy = connect();
  auto session = hello(*busy, 300'000'000).getSession();
  for (int i = 0; i < 8; ++i) {
    timer().afterDelay(100 * kj::MILLISECONDS).wait(io_.waitScope);
    session.pingRequest().send().wait(io_.waitScope);
  }
  EXPECT_TRUE(ends(*silent));
  EXPECT_THAT(log_.text(), HasSubstr("nothing was heard"));
}

// A client that says hello, then pings for ever, and never reads an answer.
class RudeClient {
 public:
  RudeClient(kj::AsyncIoStream& stream, kj::Timer& timer)
      : stream_(stream, timer, support::clientGuardOptions()) {}

  kj::Promise<void> run(const support::Id& sessionId) {
    auto bootstrap = message();
    bootstrap->initRoot<capnp::rpc::Message>().initBootstrap().setQuestionId(0);
    auto hello = message();
    auto call = callOf(*hello, 1, capnp::typeId<wire::Gate>());
    call.initTarget().initPromisedAnswer().setQuestionId(0);
    auto greeting = call.initParams().getContent().initAs<wire::Gate::HelloParams>().initGreeting();
    greeting.setProtocolMajor(wire::PROTOCOL_MAJOR);
    greeting.setSessionId(sessionId.data());
    greeting.setSilenceMaxNs(200'000'000);
    return send(kj::mv(bootstrap))
        .then([this, hello = kj::mv(hello)]() mutable { return send(kj::mv(hello)); })
        .then([this]() { return ping(2); });
  }

  uint32_t asked = 0;

 private:
  using Message = kj::Own<capnp::MallocMessageBuilder>;

  static Message message() { return kj::heap<capnp::MallocMessageBuilder>(); }

  static capnp::rpc::Call::Builder callOf(capnp::MallocMessageBuilder& message, uint32_t question,
                                          uint64_t interface) {
    auto call = message.initRoot<capnp::rpc::Message>().initCall();
    call.setQuestionId(question);
    call.setInterfaceId(interface);
    return call;
  }

  kj::Promise<void> ping(uint32_t question) {
    asked = question;
    auto request = message();
    auto call = callOf(*request, question, capnp::typeId<wire::Session>());
    auto target = call.initTarget().initPromisedAnswer();
    target.setQuestionId(1);
    target.initTransform(1)[0].setGetPointerField(1);  // HelloResults.session
    call.initParams();
    auto finish = message();
    finish->initRoot<capnp::rpc::Message>().initFinish().setQuestionId(question);
    return send(kj::mv(request))
        .then([this, finish = kj::mv(finish)]() mutable { return send(kj::mv(finish)); })
        .then([this, question]() { return ping(question + 1); });
  }

  kj::Promise<void> send(Message message) {
    auto written = static_cast<capnp::MessageStream&>(stream_).writeMessage(*message);
    return written.attach(kj::mv(message));
  }

  support::GuardedStream stream_;
};

TEST_F(AgentTest, ClientThatNeverReadsIsGivenUpByBoth) {
  startFront();
  support::DialOptions options;
  options.endpoint = front_->endpoints().at(0);
  auto stream = support::dial(io_.unixEventPort, timer(), kj::mv(options)).wait(io_.waitScope);
  RudeClient client(*stream, timer());
  auto running = client.run(sessionId_).eagerlyEvaluate([](kj::Exception&&) {});
  auto end = timer().now() + 10 * kj::SECONDS;
  bool welcomed = false;
  while (!(welcomed && front_->connectionCount() == 0) && timer().now() < end) {
    welcomed = welcomed || front_->connectionCount() > 0;
    timer().afterDelay(1 * kj::MILLISECONDS).wait(io_.waitScope);
  }
  EXPECT_EQ(front_->connectionCount(), 0u);
  EXPECT_EQ(keeper_->connectionCount(), 0u);
  EXPECT_GT(client.asked, 100u);
  EXPECT_THAT(log_.text(), HasSubstr("nothing was heard"));
}

TEST_F(AgentTest, ConnectionWithoutHelloIsClosed) {
  frontOptions_.strangerLimit = 100 * kj::MILLISECONDS;
  startFront();
  auto connection = connect();
  EXPECT_TRUE(ends(*connection));
  EXPECT_EQ(front_->connectionCount(), 0u);
}

TEST_F(AgentTest, BadFramesEndTheirConnectionAtTheFront) {
  startFront();
  support::DialOptions options;
  options.endpoint = front_->endpoints().at(0);
  auto stream = support::dial(io_.unixEventPort, timer(), kj::mv(options)).wait(io_.waitScope);
  std::string bytes(8, '\xff');
  stream->write(bytes.data(), bytes.size()).wait(io_.waitScope);
  char byte;
  EXPECT_EQ(stream->tryRead(&byte, 1, 1).wait(io_.waitScope), 0u);
  EXPECT_THAT(log_.text(), HasSubstr("segments"));
}

TEST_F(AgentTest, OneConnectionTooManyIsToldSo) {
  startFront();
  std::vector<kj::Own<support::RpcConnection>> held;
  for (int i = 0; i < 4; ++i) {
    held.push_back(connect());
    EXPECT_FALSE(hello(*held.back()).hasError());
  }
  {
    auto fifth = connect();
    auto refused = hello(*fifth);
    EXPECT_EQ(refused.getError().getKind(), Kind::OVERLOADED);
    EXPECT_THAT(refused.getError().getText().cStr(), HasSubstr("limit"));
  }
  support::TlsClient tls({authority().certificate(), authority().issueClient("operator:other")});
  auto other = connect(1, tls);
  EXPECT_EQ(hello(*other).getError().getKind(),
            Kind::DENIED);  // The hello was heard, but the session is another identity's.
}

TEST_F(AgentTest, Ipv6IsServedToo) {
  auto loopback = endpoint("tls:[::1]:0");
  if (bind(support::openSocket(loopback), loopback.socketAddress(), loopback.addressBytes) != 0) {
    GTEST_SKIP() << "this machine has no ::1";
  }
  frontOptions_.listen = {loopback};
  startFront();
  support::TlsClient tls({authority().certificate(), authority().issueClient("operator:ci")});
  auto connection = connect(0, tls);
  EXPECT_FALSE(hello(*connection).hasError());
}

TEST_F(AgentTest, StrangersFromOneAddressAreLimited) {
  frontOptions_.admission.strangersPerSourceMax = 2;
  startFront();
  auto first = connect(2);
  auto second = connect(2);
  auto third = connect(2);
  EXPECT_TRUE(ends(*third));
  EXPECT_FALSE(hello(*first).hasError());
  auto fourth = connect(2);
  EXPECT_FALSE(hello(*fourth).hasError());
}

TEST_F(AgentTest, WithoutAKeeperClientsAreTurnedAwayUntilItIsBack) {
  startFront();
  keeperRun_ = nullptr;
  keeper_ = nullptr;
  auto lost = connect();
  EXPECT_TRUE(ends(*lost));
  startKeeper();
  auto connection = connect();
  EXPECT_FALSE(hello(*connection).hasError());
}

TEST_F(AgentTest, AcceptRecoversWhenDescriptorsAreFreeAgain) {
  startFront();
  struct rlimit before;
  KJ_SYSCALL(getrlimit(RLIMIT_NOFILE, &before));
  int probe = dup(0);
  close(probe);
  // The client's own socket gets a descriptor, and the accepted one gets none.
  struct rlimit tight = {static_cast<rlim_t>(probe) + 1, before.rlim_max};
  KJ_SYSCALL(setrlimit(RLIMIT_NOFILE, &tight));
  auto connection = connect();
  EXPECT_FALSE(
      timer().afterDelay(100 * kj::MILLISECONDS).then([]() { return false; }).wait(io_.waitScope));
  EXPECT_THAT(log_.text(), HasSubstr("cannot accept now"));
  KJ_SYSCALL(setrlimit(RLIMIT_NOFILE, &before));
  EXPECT_FALSE(hello(*connection).hasError());
}

TEST_F(AgentTest, PlainTcpBeyondLoopbackIsRefused) {
  for (auto text : {"tcp:0.0.0.0:0", "tcp:[::]:0", "tcp:10.0.0.1:0", "tcp:[::ffff:10.0.0.1]:0"}) {
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                   support::Listener::open(endpoint(text), io_.unixEventPort, timer());
                 })) {
      auto failure = support::toFailure(*exception, "test");
      EXPECT_EQ(failure.kind, Kind::INVALID);
      EXPECT_THAT(failure.text.cStr(), HasSubstr("use tls:"));
    } else {
      ADD_FAILURE() << text;
    }
  }
}

TEST_F(AgentTest, TakenEndpointsAreConflicts) {
  startFront();
  for (const auto& taken : front_->endpoints()) {
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                   support::Listener::open(taken, io_.unixEventPort, timer());
                 })) {
      EXPECT_EQ(support::toFailure(*exception, "test").kind, Kind::CONFLICT) << taken.text();
    } else {
      ADD_FAILURE() << taken.text();
    }
  }
}

TEST_F(AgentTest, StaleSocketIsReplacedAndIsPrivate) {
  std::string path = directory_ + "/stale.sock";
  auto stale = endpoint("unix:" + path);
  {
    auto socket = support::openSocket(stale);
    KJ_SYSCALL(bind(socket, stale.socketAddress(), stale.addressBytes));
  }
  auto listener = support::Listener::open(stale, io_.unixEventPort, timer());
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
}

TEST_F(AgentTest, SocketInADirectoryThatOthersWriteIsRefused) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                 support::Listener::open(endpoint("unix:/tmp/agent-test.sock"), io_.unixEventPort,
                                         timer());
               })) {
    EXPECT_THAT(support::toFailure(*exception, "test").text.cStr(), HasSubstr("others can write"));
  } else {
    ADD_FAILURE() << "it was accepted";
  }
}

}  // namespace
}  // namespace nodeagent
