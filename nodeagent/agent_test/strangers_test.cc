// Tries peers that have not said hello, at the limits of a real front.
#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/agent_test/agent_fixture.h"
#include "schema/support/base/socket.h"

namespace nodeagent {
namespace {

using testing::HasSubstr;

class StrangersTest : public AgentTest {
 protected:
  StrangersTest() { frontOptions_.penaltyExempt.clear(); }

  // Returns whether a client with this certificate can say hello.
  bool comesIn(const support::KeyPair& pair) {
    support::TlsClient tls({authority().certificate(), pair});
    return kj::runCatchingExceptions([&]() {
             auto connection = connect(1, tls);
             hello(*connection);
           }) == nullptr;
  }

  // Begins a connection over which nothing is sent.
  kj::AutoCloseFd stranger() {
    auto target = front_->endpoints().at(1);
    auto socket = support::openSocket(target);
    ::connect(socket, target.socketAddress(), target.addressBytes);
    return socket;
  }

  const support::KeyPair good_ = authority().issueClient("operator:ci");
  const support::KeyPair foreign_ = support::Authority::make("x").issueClient("operator:ci");
};

TEST_F(StrangersTest, RefusedCertificateKeepsItsAddressOutForAWhile) {
  frontOptions_.admission.penaltyMin = 300 * kj::MILLISECONDS;
  startFront();
  EXPECT_TRUE(comesIn(good_));
  EXPECT_FALSE(comesIn(foreign_));
  EXPECT_FALSE(comesIn(good_));
  EXPECT_THAT(log_.text(), HasSubstr("penalized"));
  // The unix socket has no address that could be kept out.
  hello(*connect(0));
  timer().afterDelay(400 * kj::MILLISECONDS).wait(io_.waitScope);
  EXPECT_TRUE(comesIn(good_));
}

TEST_F(StrangersTest, ExemptAddressIsNotKeptOut) {
  std::string why;
  frontOptions_.penaltyExempt = support::addressRanges("127.0.0.1", &why).value();
  startFront();
  EXPECT_FALSE(comesIn(foreign_));
  EXPECT_TRUE(comesIn(good_));
}

TEST_F(StrangersTest, ClientThatGoesAwayIsNotPenalized) {
  startFront();
  stranger();
  while (front_->connectionCount() > 0 || log_.text().empty()) {
    timer().afterDelay(1 * kj::MILLISECONDS).wait(io_.waitScope);
  }
  EXPECT_TRUE(comesIn(good_));
}

TEST_F(StrangersTest, ConnectionsInAllAreLimited) {
  frontOptions_.connectionsMax = 3;
  startFront();
  std::vector<kj::Own<support::RpcConnection>> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(connect());
    EXPECT_FALSE(hello(*held.back()).hasError());
  }
  auto fourth = connect();
  EXPECT_TRUE(ends(*fourth));
  EXPECT_THAT(log_.text(), HasSubstr("too many connections"));
  held.pop_back();
  while (front_->connectionCount() > 2) {
    timer().afterDelay(1 * kj::MILLISECONDS).wait(io_.waitScope);
  }
  auto next = connect();
  EXPECT_FALSE(hello(*next).hasError());
}

// Idle connections of its own address, such as of a broken program beside it, keep no client out
// that has been here before.
TEST_F(StrangersTest, KnownAddressGetsInBesideItsIdleConnections) {
  startFront();
  EXPECT_TRUE(comesIn(good_));
  std::vector<kj::AutoCloseFd> idle;
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 10; ++j) idle.push_back(stranger());
    EXPECT_TRUE(comesIn(good_)) << i;
  }
  EXPECT_LE(front_->connectionCount(), 9u);
}

// Silent connections flood the front from an address of their own while a controller works.
TEST_F(StrangersTest, FloodLeavesOthersServedAndTheLogReadable) {
  startFront();
  auto working = connect(0);
  auto session = hello(*working).getSession();
  std::vector<kj::AutoCloseFd> sockets;
  for (int i = 0; i < 300; ++i) {
    sockets.push_back(stranger());
    session.pingRequest().send().wait(io_.waitScope);
  }
  EXPECT_LE(front_->connectionCount(), 9u);
  auto lines = log_.text();
  EXPECT_LE(std::count(lines.begin(), lines.end(), '\n'), 40);
  sockets.clear();
  session.pingRequest().send().wait(io_.waitScope);
}

}  // namespace
}  // namespace nodeagent
