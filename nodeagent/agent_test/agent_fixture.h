// Runs front and keeper together in one event loop, over real sockets, for tests that act as a
// controller. It does not start the program (program_fixture.h does).
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <kj/debug.h>

#include "nodeagent/front/front.h"
#include "nodeagent/keeper/keeper.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/rpc_connection.h"
#include "schema/support/tls/dial.h"
#include "schema/support/tls/pki.h"

namespace nodeagent {

using HelloResponse = capnp::Response<wire::Gate::HelloResults>;

inline const support::Authority& authority() {
  static const support::Authority instance = support::Authority::make("test cluster");
  return instance;
}

inline support::Endpoint endpoint(const std::string& text) {
  std::string why;
  auto parsed = support::Endpoint::fromText(text, &why);
  KJ_REQUIRE(parsed.has_value(), why.c_str());
  return *parsed;
}

class AgentTest : public testing::Test {
 protected:
  AgentTest() {
    char path[] = "/tmp/agent-test-XXXXXX";
    directory_ = mkdtemp(path);
    startKeeper();
    frontOptions_.keeper = endpoint("unix:" + directory_ + "/keeper.sock");
    frontOptions_.listen = {endpoint("unix:" + directory_ + "/agent.sock"),
                            endpoint("tls:127.0.0.1:0"), endpoint("tcp:127.0.0.1:0")};
    frontOptions_.credentials =
        support::Credentials{authority().certificate(), authority().issueNode("n1")};
    frontOptions_.localUid = geteuid();
    std::string why;
    frontOptions_.penaltyExempt = support::addressRanges("127.0.0.0/8,::1", &why).value();
  }

  ~AgentTest() noexcept override {
    frontRun_ = nullptr;
    front_ = nullptr;
    keeperRun_ = nullptr;
    keeper_ = nullptr;
    std::filesystem::remove_all(directory_);
  }

  void startKeeper() {
    KeeperOptions options;
    options.socket = endpoint("unix:" + directory_ + "/keeper.sock");
    options.connectionsPerIdentityMax = 4;
    keeper_ = kj::heap<Keeper>(io_, gates_, kj::mv(options));
    keeperRun_ = keeper_->run().eagerlyEvaluate(nullptr);
  }

  void startFront() {
    front_ = kj::heap<Front>(io_, kj::mv(frontOptions_));
    frontRun_ = front_->run().eagerlyEvaluate(nullptr);
  }

  kj::Own<support::RpcConnection> connect(size_t listener = 0,
                                          kj::Maybe<support::TlsClient&> tls = nullptr) {
    support::DialOptions options;
    options.endpoint = front_->endpoints().at(listener);
    options.tls = tls;
    options.nodeName = "n1";
    auto stream = support::dial(io_.unixEventPort, timer(), kj::mv(options)).wait(io_.waitScope);
    return kj::heap<support::RpcConnection>(kj::mv(stream), timer());
  }

  HelloResponse hello(support::RpcConnection& connection, int64_t silenceMaxNs = 0,
                      wire::Attach attach = wire::Attach::CREATE_OR_ATTACH) {
    auto request = connection.bootstrap().castAs<wire::Gate>().helloRequest();
    auto greeting = request.initGreeting();
    greeting.setProtocolMajor(wire::PROTOCOL_MAJOR);
    greeting.setSessionId(sessionId_.data());
    greeting.setSilenceMaxNs(silenceMaxNs);
    greeting.setAttach(attach);
    return request.send().wait(io_.waitScope);
  }

  // Returns whether the connection ends within two seconds. It asks for something, because an RPC
  // client reads only then.
  bool ends(support::RpcConnection& connection) {
    auto gate = connection.bootstrap();
    return connection.onDisconnect()
        .then([]() { return true; })
        .exclusiveJoin(timer().afterDelay(2 * kj::SECONDS).then([]() { return false; }))
        .wait(io_.waitScope);
  }

  kj::Timer& timer() { return io_.provider->getTimer(); }

  std::string directory_;
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  support::CapturedLog log_;
  SessionTable sessions_{systemClock(), io_.provider->getTimer()};
  ServiceSet services_{nullptr};
  GateContext gates_{sessions_, systemClock(), "n1", "boot", services_};
  FrontOptions frontOptions_;
  kj::Own<Keeper> keeper_;
  kj::Promise<void> keeperRun_ = nullptr;
  kj::Own<Front> front_;
  kj::Promise<void> frontRun_ = nullptr;
  const support::Id sessionId_ = support::Id::random();
};

}  // namespace nodeagent
