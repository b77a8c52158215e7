// Tries a connection whose session ran out while nothing was heard of its client.
#include "nodeagent/keeper/client_connections.h"

#include "nodeagent/front/relay.h"
#include "nodeagent/link/preamble.h"
#include "nodeagent/session/session_fixture.h"
#include "schema/support/rpc/rpc_connection.h"

namespace nodeagent {
namespace {

class ClientConnectionsTest : public SessionFixture {
 protected:
  ClientConnectionsTest() {
    connections_.serve(kj::mv(inside_.ends[0]));
    std::string preamble = preambleOf({{"operator:ci", wire::Role::OPERATOR}, "test"});
    inside_.ends[1]->write(preamble.data(), preamble.size()).wait(waitScope_);
    front_ = relayBothWays(*outside_.ends[0], *inside_.ends[1], timer_, []() {
             }).eagerlyEvaluate([](kj::Exception&&) {});
    client_ = kj::heap<support::RpcConnection>(kj::mv(outside_.ends[1]), timer_);
  }

  ~ClientConnectionsTest() noexcept override {}

  // Says hello with the shortest lease and with a bound on silence that is never reached.
  wire::Session::Client greet() {
    auto request = client_->bootstrap().castAs<wire::Gate>().helloRequest();
    auto greeting = request.initGreeting();
    greeting.setProtocolMajor(wire::PROTOCOL_MAJOR);
    greeting.setSessionId(support::Id::random().data());
    greeting.setLeaseNs(2'000'000'000);
    greeting.setSilenceMaxNs(60'000'000'000);
    return request.send().wait(waitScope_).getSession();
  }

  ServiceSet services_{nullptr};
  GateContext context_{table_, clock_, "n1", "boot-1", services_};
  ClientConnections connections_{timer_, context_, 8};
  kj::TwoWayPipe inside_ = kj::newTwoWayPipe();
  kj::TwoWayPipe outside_ = kj::newTwoWayPipe();
  kj::Promise<void> front_ = kj::READY_NOW;
  kj::Own<support::RpcConnection> client_;
};

TEST_F(ClientConnectionsTest, SessionIsInUseWhileItsClientIsConnected) {
  auto session = greet();
  Session::Options options;
  options.id = support::Id::random();
  options.identity = kj::str("operator:ci");
  auto next = table_.attach(kj::mv(options), wire::Attach::CREATE_OR_ATTACH).session;
  EXPECT_EQ(table_.earlierThan(*next).size(), 0u);
  session = nullptr;
  client_ = nullptr;
  waitScope_.poll();
  EXPECT_EQ(table_.earlierThan(*next).size(), 1u);
}

TEST_F(ClientConnectionsTest, ClientOfASessionThatRanOutMeanwhileIsCutOff) {
  auto session = greet();
  session.pingRequest().send().wait(waitScope_);
  EXPECT_EQ(connections_.count(), 1u);
  auto watch = table_.watchLeases().eagerlyEvaluate(nullptr);
  // The machine was suspended, so only the clock moves.
  clock_.advance(3'000'000'000);
  timer_.advanceTo(timer_.now() + 1 * kj::SECONDS);
  waitScope_.poll();
  ASSERT_EQ(table_.count(), 0u);
  auto ping = session.pingRequest().send().ignoreResult().catch_([](kj::Exception&&) {});
  waitScope_.poll();
  timer_.advanceTo(timer_.now() + 1 * kj::SECONDS);
  waitScope_.poll();
  EXPECT_EQ(connections_.count(), 0u) << "it would go on with a session that is gone";
}

}  // namespace
}  // namespace nodeagent
