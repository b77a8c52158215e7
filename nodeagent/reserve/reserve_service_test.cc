#include "nodeagent/reserve/reserve_service.h"

#include <stdlib.h>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <kj/debug.h>

#include "nodeagent/session/service_testing.h"
#include "schema/reserve.capnp.h"
#include "schema/support/base/log.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;
using Coverage = wire::Reservations::Coverage;
using How = wire::Ended::How;
using wire::Role;

constexpr int64_t kWaitNs = 20'000'000'000;

class ReserveServiceTest : public testing::Test {
 protected:
  ReserveServiceTest() {
    char path[] = "/tmp/reserve-service-XXXXXX";
    directory_ = mkdtemp(path);
    startKeeper();
  }
  ~ReserveServiceTest() noexcept override {
    service_ = nullptr;
    std::filesystem::remove_all(directory_);
  }

  void startKeeper() {
    service_ = nullptr;
    place_ = nullptr;
    place_ = kj::heap<TestHost>(io_);
    place_->host.stateDirectory = directory_.c_str();
    sessions_ = kj::heap<SessionTable>(systemClock(), io_.provider->getTimer());
    sessions_->noteUse(place_->host.use);
    service_ = makeReserve(place_->host);
  }

  struct User {
    kj::Own<Session> session;
    kj::Own<Session::Contact> contact;
    wire::Reservations::Client reservations;
    const support::Id id = support::Id::random();
  };

  User user(kj::StringPtr name) {
    Session::Options options;
    options.id = support::Id::random();
    options.identity = kj::str("operator:ci");
    options.role = Role::ADMIN;
    options.labels = kj::arr(Label{kj::str("user"), kj::str(name)});
    auto session = sessions_->attach(kj::mv(options), wire::Attach::CREATE_OR_ATTACH).session;
    auto contact = kj::heap<Session::Contact>(*session);
    auto reservations = offered<wire::Reservations>(*service_, *session);
    return {kj::mv(session), kj::mv(contact), kj::mv(reservations)};
  }

  auto sendReserve(User& of, Coverage coverage = Coverage::SESSION, int64_t waitNs = kWaitNs) {
    auto request = of.reservations.reserveRequest();
    auto wanted = request.initRequest();
    wanted.setId(of.id.data());
    wanted.setCoverage(coverage);
    wanted.setReason("look at bug 12");
    wanted.setQueue(true);
    request.setWaitNs(waitNs);
    return request.send();
  }
  auto reserve(User& of, Coverage coverage = Coverage::SESSION, int64_t waitNs = kWaitNs) {
    return sendReserve(of, coverage, waitNs).wait(io_.waitScope);
  }

  Kind makeStanding(User& of) {
    auto request = of.reservations.makeStandingRequest();
    request.setId(of.id.data());
    return request.send().wait(io_.waitScope).getError().getKind();
  }

  auto release(User& by, User& of) {
    auto request = by.reservations.releaseRequest();
    request.setId(of.id.data());
    return request.send().wait(io_.waitScope);
  }

  auto status(User& by) { return by.reservations.statusRequest().send().wait(io_.waitScope); }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  std::string directory_;
  support::CapturedLog log_;
  kj::Own<SessionTable> sessions_;
  kj::Own<TestHost> place_;
  kj::Own<AgentService> service_;
};

TEST_F(ReserveServiceTest, OneWhoWaitsIsAnsweredWhenItIsGivenBack) {
  User alice = user("alice@a");
  User bob = user("bob@b");
  ASSERT_TRUE(reserve(alice).getState().isHeld());
  auto now = reserve(bob, Coverage::SESSION, 0);
  ASSERT_TRUE(now.getState().isWaiting());
  EXPECT_EQ(now.getState().getWaiting().getRank(), 1u);
  auto waits = sendReserve(bob);
  EXPECT_TRUE(release(alice, alice).getFound());
  EXPECT_TRUE(waits.wait(io_.waitScope).getState().isHeld());
  EXPECT_FALSE(release(alice, alice).getFound()) << "it may be sent twice";
}

TEST_F(ReserveServiceTest, HolderIsToldOfARevocationAndByWhom) {
  User alice = user("alice@a");
  User admin = user("root@build7");
  ASSERT_TRUE(reserve(alice).getState().isHeld());
  EXPECT_EQ(release(admin, alice).getError().getKind(), Kind::DENIED);
  auto follow = alice.reservations.followRequest();
  follow.setId(alice.id.data());
  follow.setWaitNs(kWaitNs);
  auto follows = follow.send();
  auto revoke = offered<wire::ReservationControl>(*service_, *admin.session).revokeRequest();
  revoke.setId(alice.id.data());
  revoke.setReason("the rack is needed");
  EXPECT_TRUE(revoke.send().wait(io_.waitScope).getFound());
  auto told = follows.wait(io_.waitScope);
  ASSERT_TRUE(told.getState().isEnded()) << told.getError().getText().cStr();
  auto ended = told.getState().getEnded();
  EXPECT_EQ(ended.getHow(), How::REVOKED);
  EXPECT_EQ(ended.getBy(), "root@build7");
  EXPECT_EQ(ended.getReason(), "the rack is needed");
}

TEST_F(ReserveServiceTest, StandingOneOutlivesTheKeeperAndTheOtherDoesNot) {
  User alice = user("alice@a");
  ASSERT_TRUE(reserve(alice, Coverage::PERSON).getState().isHeld());
  startKeeper();
  User bob = user("bob@b");
  EXPECT_FALSE(status(bob).getStatus().hasHeld());
  ASSERT_TRUE(reserve(bob, Coverage::PERSON).getState().isHeld());
  ASSERT_EQ(makeStanding(bob), Kind::UNSPECIFIED);
  startKeeper();
  User again = user("bob@b");
  auto answer = status(again);
  auto held = answer.getStatus().getHeld();
  EXPECT_EQ(held.getUser(), "bob@b");
  EXPECT_EQ(held.getReason(), "look at bug 12");
  EXPECT_TRUE(held.getStanding());
  EXPECT_TRUE(held.getCovers());
  EXPECT_TRUE(release(again, bob).getFound()) << "by another session of his";
  startKeeper();
  User carol = user("carol@c");
  EXPECT_FALSE(status(carol).getStatus().hasHeld());
}

TEST_F(ReserveServiceTest, OnlyOneOfAPersonCanStand) {
  User alice = user("alice@a");
  EXPECT_EQ(makeStanding(alice), Kind::NOT_FOUND);
  ASSERT_TRUE(reserve(alice).getState().isHeld());
  EXPECT_EQ(makeStanding(alice), Kind::DENIED);
}

TEST_F(ReserveServiceTest, StatusNamesUsersAndThoseWhoWait) {
  User bob = user("bob@b");
  bob.session->requireOpen();
  User alice = user("alice@a");
  ASSERT_TRUE(reserve(alice, Coverage::PERSON, 0).getState().isWaiting());
  auto answer = status(bob);
  auto seen = answer.getStatus();
  ASSERT_EQ(seen.getUsers().size(), 1u);
  EXPECT_EQ(seen.getUsers()[0].getUser(), "bob@b");
  EXPECT_TRUE(seen.getUsers()[0].getConnected());
  ASSERT_EQ(seen.getWaiting().size(), 1u);
  EXPECT_EQ(seen.getWaiting()[0].getUser(), "alice@a");
  EXPECT_FALSE(seen.getWaiting()[0].getCovers());
}

// The timer of the service finds it, since nobody asks.
TEST_F(ReserveServiceTest, TimeEndsItWithoutACall) {
  User alice = user("alice@a");
  User bob = user("bob@b");
  auto request = alice.reservations.reserveRequest();
  auto wanted = request.initRequest();
  wanted.setId(alice.id.data());
  wanted.setLengthNs(1'000'000'000);
  ASSERT_TRUE(request.send().wait(io_.waitScope).getState().isHeld());
  EXPECT_TRUE(reserve(bob).getState().isHeld());
  EXPECT_EQ(status(bob).getStatus().getEnded()[0].getHow(), How::EXPIRED);
}

}  // namespace
}  // namespace nodeagent
