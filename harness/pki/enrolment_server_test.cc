// The enrolment server, over real sockets, against peers that have proved nothing yet.
#include "harness/pki/enrolment_server.h"

#include <sys/socket.h>

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>

#include "schema/enrol.capnp.h"
#include "schema/support/base/log.h"
#include "schema/support/base/socket.h"
#include "schema/support/rpc/rpc_connection.h"
#include "schema/support/tls/certificate.h"
#include "schema/support/tls/dial.h"
#include "schema/support/tls/enrolment_tls.h"
#include "schema/support/tls/enrolment_token.h"

namespace harness {
namespace {

using Reason = wire::EnrolmentRefusal::Reason;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSecret[] = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

class EnrolmentServerTest : public ::testing::Test {
 protected:
  EnrolmentServerTest() {
    options_.listen = "127.0.0.1:0";
    auto own = authority_.issue(support::kEnrolmentName, {support::kEnrolmentName},
                                support::Purpose::kServer, {});
    options_.certificate = own.certificate;
    options_.key = own.key;
    options_.authority = authority_.certificate();
    options_.answer = [this](const EnrolmentAsk& ask) {
      ++asked_;
      if (ask.tokenId == "good") return EnrolmentReply{EnrolmentReason::kNone, "", "pem"};
      return EnrolmentReply{EnrolmentReason::kUnknownToken, "no such token", ""};
    };
  }
  ~EnrolmentServerTest() noexcept override { join(); }

  // Serves on a thread of its own until `count` are enrolled.
  void start(size_t count) {
    std::atomic<bool> ready = false;
    thread_ = std::thread([this, count, &ready]() {
      EnrolmentServer server(options_);
      endpoint_ = server.endpoint();
      ready = true;
      enrolled_ = server.run(count, std::chrono::steady_clock::now() + std::chrono::minutes(1));
    });
    while (!ready) std::this_thread::yield();
  }
  size_t join() {
    if (thread_.joinable()) thread_.join();
    return enrolled_;
  }

  kj::Own<kj::AsyncIoStream> dial(const std::string& from = "127.0.0.1") {
    std::string why;
    support::DialOptions options;
    options.endpoint = support::Endpoint::fromText("tcp:" + endpoint_, &why).value();
    auto source = support::Endpoint::fromText("tcp:" + from + ":0", &why).value();
    auto socket = support::openSocket(source);
    KJ_SYSCALL(bind(socket, source.socketAddress(), source.addressBytes));
    options.socket = kj::mv(socket);
    return support::dial(io_.unixEventPort, io_.provider->getTimer(), kj::mv(options))
        .wait(io_.waitScope);
  }
  kj::Own<support::RpcConnection> connect(const std::string& from = "127.0.0.1") {
    auto digest = support::describeCertificate(authority_.certificate())->mark.sha256;
    auto met = support::connectForEnrolment(dial(from), digest).wait(io_.waitScope);
    return kj::heap<support::RpcConnection>(kj::mv(met.stream), io_.provider->getTimer());
  }
  // The reason, or nothing if there is a certificate.
  kj::Maybe<Reason> ask(support::RpcConnection& connection, const char* id,
                        const std::string& request = "csr") {
    auto call = connection.bootstrap().castAs<wire::Enrolment>().enrolRequest();
    call.setTokenId(id);
    call.setSecret(kSecret);
    call.setRequest(request.c_str());
    auto reply = call.send().wait(io_.waitScope);
    if (reply.isCertificate()) return nullptr;
    return reply.getRefusal().getReason();
  }
  // Waits for the other side to close.
  void expectClosed(kj::AsyncIoStream& stream) {
    char byte;
    auto read =
        io_.provider->getTimer().timeoutAfter(10 * kj::SECONDS, stream.tryRead(&byte, 1, 1));
    KJ_IF_MAYBE (exception,
                 kj::runCatchingExceptions([&]() { EXPECT_EQ(read.wait(io_.waitScope), 0u); })) {
      EXPECT_EQ(exception->getType(), kj::Exception::Type::DISCONNECTED);
    }
  }

  const support::Authority authority_ = support::Authority::make("server test");
  EnrolmentServerOptions options_;
  std::string endpoint_;
  std::atomic<size_t> asked_ = 0, enrolled_ = 0;
  std::thread thread_;
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  support::CapturedLog log_;
};

TEST_F(EnrolmentServerTest, EndsWhenEnoughNodesAreEnrolled) {
  start(2);
  EXPECT_TRUE(ask(*connect(), "good") == nullptr);
  EXPECT_TRUE(ask(*connect(), "good") == nullptr);
  EXPECT_EQ(join(), 2u);
}

TEST_F(EnrolmentServerTest, AnswersOneCallOfAConnection) {
  start(1);
  auto connection = connect();
  EXPECT_TRUE(ask(*connection, "bad") == Reason::UNKNOWN_TOKEN);
  EXPECT_TRUE(ask(*connection, "good") == Reason::FULL);
  EXPECT_EQ(asked_, 1u);
  EXPECT_TRUE(ask(*connect(), "good") == nullptr);
}

TEST_F(EnrolmentServerTest, WrongTokenKeepsItsAddressOutForAWhile) {
  options_.penaltyExempt = "";
  start(1);
  EXPECT_TRUE(ask(*connect(), "bad") == Reason::UNKNOWN_TOKEN);
  expectClosed(*dial());
  EXPECT_TRUE(ask(*connect("127.0.0.2"), "good") == nullptr);
  EXPECT_EQ(join(), 1u);
  EXPECT_THAT(log_.text(), HasSubstr("enrolment refused peer=127.0.0.1"));
  EXPECT_THAT(log_.text(), HasSubstr("connection refused peer=127.0.0.1"));
  EXPECT_THAT(log_.text(), Not(HasSubstr(kSecret)));
}

TEST_F(EnrolmentServerTest, FullServerSaysSoAndLooksAtNothing) {
  options_.busyMax = 1;
  start(1);
  {
    auto first = connect(), second = connect();
    EXPECT_TRUE(ask(*first, "good") == Reason::FULL);
    EXPECT_EQ(asked_, 0u);
  }
  // The server learns of their ends a moment later.
  kj::Maybe<Reason> reason = Reason::FULL;
  for (int tries = 0; tries < 1000 && reason != nullptr; ++tries) reason = ask(*connect(), "good");
  EXPECT_TRUE(reason == nullptr);
}

TEST_F(EnrolmentServerTest, SilentAndSurplusConnectionsAreClosed) {
  options_.limit = milliseconds(300);
  options_.perSourceMax = 2;
  start(1);
  auto silent = dial(), another = dial();
  expectClosed(*dial());  // The third of this address, at once.
  EXPECT_THAT(log_.text(), HasSubstr("connection refused peer=127.0.0.1"));
  expectClosed(*silent);  // At the limit.
  expectClosed(*another);
  auto idle = connect();  // Shakes hands, and then says nothing.
  idle->bootstrap();
  idle->onDisconnect().wait(io_.waitScope);
  EXPECT_TRUE(ask(*connect(), "good") == nullptr);
}

TEST_F(EnrolmentServerTest, ConnectionsAboveTheLimitAreClosed) {
  options_.connectionsMax = 1;
  start(1);
  auto first = connect("127.0.0.1");
  expectClosed(*dial("127.0.0.2"));
  EXPECT_THAT(log_.text(), HasSubstr("connection refused peer=127.0.0.2"));
  EXPECT_TRUE(ask(*first, "good") == nullptr);
}

TEST_F(EnrolmentServerTest, HugeRequestIsNotReceived) {
  start(1);
  auto connection = connect();
  EXPECT_ANY_THROW(ask(*connection, "good", std::string(100 << 10, 'A')));
  EXPECT_EQ(asked_, 0u);
  EXPECT_TRUE(ask(*connect(), "good") == nullptr);
}

// A thread has one event loop, and a server has its own.
TEST(EnrolmentServerAddressTest, WrongAddressAndTakenPortAreSaid) {
  const support::Authority authority = support::Authority::make("server test");
  auto own = authority.issueNode("any");
  EnrolmentServerOptions options;
  options.certificate = own.certificate;
  options.key = own.key;
  auto open = [&options]() { EnrolmentServer{options}; };
  for (const char* text : {"", "7412", "localhost:7412", "127.0.0.1", "127.0.0.1:70000"}) {
    options.listen = text;
    EXPECT_THROW(open(), std::runtime_error) << text;
  }
  options.listen = "127.0.0.1:0";
  EnrolmentServer first(options);
  options.listen = first.endpoint();
  std::thread([&]() {
    EXPECT_THAT(open, ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("in use")));
  }).join();
}

}  // namespace
}  // namespace harness
