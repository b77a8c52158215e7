// Calls every method that only an operator or an admin may call, as a stranger to the reservation
// of the node. A method that is new in a schema fails this test until it is refused or listed here.
#include <stdlib.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include <capnp/dynamic.h>
#include <gmock/gmock.h>
#include <kj/debug.h>

#include "nodeagent/keeper/services.h"
#include "nodeagent/session/service_testing.h"
#include "schema/job.capnp.h"
#include "schema/reserve.capnp.h"

namespace nodeagent {
namespace {

using ::testing::ContainerEq;
using ::testing::HasSubstr;
using Kind = wire::Error::Kind;
using wire::Role;

// Those that go on: they read, they are about what is the caller's own and not the node's, or they
// take back what the caller has done.
const std::map<std::string, std::set<std::string>> kGoOn = {
    {"Changes", {"undo"}},
    {"Diagnosis", {"processes", "crashes"}},
    {"Faults", {"heal", "probe"}},
    {"Files", {"abandonUpload"}},
    {"Forwards", {"close"}},
    {"Jobs", {"follow", "acknowledge", "cancelOf"}},
    {"Logs", {"mark", "read", "await"}},
    {"ReservationControl", {"revoke"}},
    {"Reservations", {"reserve", "follow", "makeStanding", "release"}},
    {"Sync", {"pull", "answer", "watch"}},
    {"Waits", {"await", "get"}},
};

class ReservedNodeTest : public testing::Test {
 protected:
  ReservedNodeTest() {
    char path[] = "/tmp/reserved-node-XXXXXX";
    directory_ = mkdtemp(path);
    place_.host.stateDirectory = directory_.c_str();
    sessions_.noteUse(place_.host.use);
    services_ = makeServices(place_.host);
  }
  ~ReservedNodeTest() noexcept override {
    services_ = nullptr;
    std::filesystem::remove_all(directory_);
  }

  kj::Own<Session> begin(kj::StringPtr user) {
    Session::Options options;
    options.id = support::Id::random();
    options.identity = kj::str("operator:ci");
    options.role = Role::ADMIN;
    options.labels = kj::arr(Label{kj::str("user"), kj::str(user)});
    return sessions_.attach(kj::mv(options), wire::Attach::CREATE_OR_ATTACH).session;
  }

  template <typename Interface>
  typename Interface::Client offeredTo(Session& session) {
    for (auto& service : services_) {
      for (auto& offer : service->offers()) {
        if (offer.interfaceId() == capnp::typeId<Interface>())
          return offer.make(session).template castAs<Interface>();
      }
    }
    KJ_FAIL_REQUIRE("nobody offers it");
  }

  void reserve(Session& session) {
    auto request = offeredTo<wire::Reservations>(session).reserveRequest();
    request.initRequest().setId(support::Id::random().data());
    auto response = request.send().wait(io_.waitScope);
    ASSERT_TRUE(response.getState().isHeld()) << response.getError().getText().cStr();
  }

  // Asks for the node as one who waits.
  void wait(Session& session) {
    auto request = offeredTo<wire::Reservations>(session).reserveRequest();
    request.initRequest().setId(support::Id::random().data());
    request.getRequest().setQueue(true);
    ASSERT_TRUE(request.send().wait(io_.waitScope).getState().isWaiting());
  }

  // Returns the methods of an interface that are not refused, without those that are listed.
  std::set<std::string> notRefused(AgentService::Offer& offer, Session& session) {
    std::string interface = offer.interface.getShortDisplayName().cStr();
    std::set<std::string> goOn;
    if (kGoOn.count(interface) > 0) goOn = kGoOn.at(interface);
    std::set<std::string> found;
    auto client = offer.make(session).castAs<capnp::DynamicCapability>(offer.interface);
    for (auto method : offer.interface.getMethods()) {
      std::string name = method.getProto().getName().cStr();
      if (goOn.erase(name) > 0) continue;
      auto response = client.newRequest(method).send().wait(io_.waitScope);
      auto error = response.get("error").as<capnp::DynamicStruct>().as<wire::Error>();
      if (error.getKind() == Kind::RESERVED) continue;
      found.insert(interface + "." + name + ": " + error.getText().cStr());
    }
    for (const std::string& stale : goOn) found.insert(interface + "." + stale + " is no method");
    return found;
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  std::string directory_;
  TestHost place_{io_};
  SessionTable sessions_{systemClock(), io_.provider->getTimer()};
  kj::Array<kj::Own<AgentService>> services_;
};

TEST_F(ReservedNodeTest, EveryCallThatChangesTheNodeIsRefusedToOthers) {
  auto alice = begin("alice@a");
  auto bob = begin("bob@b");
  reserve(*alice);
  std::set<std::string> notRefusedOnes;
  for (auto& service : services_) {
    for (auto& offer : service->offers()) {
      if (offer.least < Role::OPERATOR) continue;
      notRefusedOnes.merge(notRefused(offer, *bob));
    }
  }
  EXPECT_THAT(notRefusedOnes, ContainerEq(std::set<std::string>()));
  EXPECT_FALSE(bob->usesNode());
}

TEST_F(ReservedNodeTest, OneMayEndOnesOwnJobsAndNoOthers) {
  auto bob = begin("bob@b");
  auto run = offeredTo<wire::Jobs>(*bob).runRequest();
  run.setNumber(1);
  run.initSpec().setDeadlineNs(60'000'000'000);
  auto argv = run.getSpec().initArgv(2);
  argv.set(0, "/bin/sleep"_kj.asBytes());
  argv.set(1, "1000"_kj.asBytes());
  auto started = run.send().wait(io_.waitScope);
  ASSERT_FALSE(started.hasError()) << started.getError().getText().cStr();
  auto alice = begin("alice@a");
  Session::Contact contact(*alice);
  wait(*alice);
  auto cancelBy = [&](kj::StringPtr user) {
    auto session = begin(user);
    auto cancel = offeredTo<wire::Jobs>(*session).cancelOfRequest();
    cancel.setSessionId(bob->id().data());
    cancel.setNumber(1);
    return cancel.send().wait(io_.waitScope).getError().getKind();
  };
  EXPECT_EQ(cancelBy("carol@c"), Kind::RESERVED);
  EXPECT_EQ(cancelBy("bob@b"), Kind::UNSPECIFIED);
  sessions_.end(*bob, EndReason::kClosed).wait(io_.waitScope);
}

}  // namespace
}  // namespace nodeagent
