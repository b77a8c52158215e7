// Tries the service through its capability, on a node of files and with an ip(8) in memory.
#include "nodeagent/change/change_service.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>
#include <mutex>

#include <gmock/gmock.h>

#include "nodeagent/change/fake_node_testing.h"
#include "nodeagent/session/service_testing.h"
#include "schema/change.capnp.h"
#include "schema/support/base/log.h"

namespace nodeagent {
namespace {

using change::FakeNode;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Kind = wire::Error::Kind;
using KindBuilder = wire::ChangeSpec::Kind::Builder;
using State = wire::ChangeStatus::State;

constexpr char kForward[] = "sys/net/ipv4/ip_forward";

class ChangeServiceTest : public ::testing::Test {
 protected:
  ChangeServiceTest() {
    std::filesystem::create_directories(fake_.directory() + "/state");
    state_ = fake_.directory() + "/state";
    place_.host.stateDirectory = state_.c_str();
    restart();
  }
  ~ChangeServiceTest() noexcept override { service_ = nullptr; }

  // What a killed keeper and its successor do: sessions are not ended.
  void restart() {
    service_ = nullptr;
    service_ = makeChange(place_.host, fake_.surroundings());
    list();
  }

  void restartOn(change::Surroundings node) {
    service_ = nullptr;
    service_ = makeChange(place_.host, kj::mv(node));
  }

  using Fill = kj::Function<void(KindBuilder)>;
  auto make(const support::Id& id, Fill fill) {
    auto request = offered<wire::Changes>(*service_, *session_).makeRequest();
    auto spec = request.initSpec();
    spec.setId(id.data());
    fill(spec.initKind());
    return request.send().wait(io_.waitScope);
  }
  auto undo(const support::Id& id) {
    auto request = offered<wire::Changes>(*service_, *session_).undoRequest();
    request.setId(id.data());
    return request.send().wait(io_.waitScope);
  }
  capnp::Response<wire::ChangeView::ListResults> list() {
    return offered<wire::ChangeView>(*service_, *session_).listRequest().send().wait(io_.waitScope);
  }
  static Fill forwarding(kj::StringPtr value, kj::StringPtr name = "net.ipv4.ip_forward") {
    return [value = kj::str(value), name = kj::str(name)](KindBuilder kind) {
      auto sysctl = kind.initSysctl();
      sysctl.setName(name);
      sysctl.setValue(value);
    };
  }
  static Fill address(kj::StringPtr text, kj::StringPtr interface = "eth0") {
    return [text = kj::str(text), interface = kj::str(interface)](KindBuilder kind) {
      kind.initAddress().setAddress(text);
      kind.getAddress().setInterface(interface);
    };
  }
  static Fill hosts(kj::StringPtr address, kj::StringPtr name) {
    return [address = kj::str(address), name = kj::str(name)](KindBuilder kind) {
      auto hosts = kind.initHosts();
      hosts.setAddress(address);
      hosts.initNames(1).set(0, name);
    };
  }
  void expectRefused(Kind kind, const char* text, Fill fill) {
    auto response = make(support::Id::random(), kj::mv(fill));
    EXPECT_EQ(response.getError().getKind(), kind) << response.getError().getText().cStr();
    EXPECT_THAT(response.getError().getText().cStr(), HasSubstr(text));
    EXPECT_EQ(recordCount(), 0u);
  }
  size_t recordCount() const {
    std::error_code none;
    auto files = std::filesystem::directory_iterator(state_ + "/changes", none);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }
  void endSession() { session_->end(EndReason::kClosed).wait(io_.waitScope); }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  support::CapturedLog log_;
  FakeNode fake_;
  std::string state_;
  support::Id first_ = support::Id::random();
  support::Id second_ = support::Id::random();
  kj::Own<Session> session_ = newSession(io_.provider->getTimer());
  TestHost place_{io_};
  kj::Own<AgentService> service_;
};

TEST_F(ChangeServiceTest, ChangeIsMadeListedAndTakenBack) {
  auto made = make(first_, forwarding("1"));
  ASSERT_FALSE(made.hasError()) << made.getError().getText().cStr();
  EXPECT_EQ(made.getStatus().getState(), State::MADE);
  EXPECT_STREQ(made.getStatus().getDetails()[0].getValue().cStr(), "0");
  EXPECT_EQ(fake_.read(kForward), "1\n");
  EXPECT_EQ(recordCount(), 1u);
  auto response = list();
  ASSERT_EQ(response.getChanges().size(), 1u);
  EXPECT_STREQ(response.getChanges()[0].getText().cStr(), "sets net.ipv4.ip_forward to 1");
  EXPECT_TRUE(undo(first_).getFound());
  EXPECT_EQ(fake_.read(kForward), "0\n");
  EXPECT_EQ(recordCount(), 0u);
  EXPECT_EQ(list().getChanges().size(), 0u);
  EXPECT_FALSE(undo(first_).getFound());
}

TEST_F(ChangeServiceTest, BothCallsMayBeSentTwice) {
  make(first_, address("10.9.0.5/24"));
  size_t calls = fake_.calls().size();
  EXPECT_FALSE(make(first_, address("10.9.0.5/24")).hasError());
  EXPECT_EQ(fake_.calls().size(), calls);
  EXPECT_FALSE(undo(first_).hasError());
  EXPECT_FALSE(undo(first_).hasError());
}

TEST_F(ChangeServiceTest, EndOfTheSessionTakesBackTheNewestFirst) {
  make(first_, [](KindBuilder kind) {
    auto veth = kind.initVeth();
    veth.setName("m0");
    veth.setPeer("m1");
  });
  make(second_, address("10.9.0.5/24", "m0"));
  EXPECT_THAT(fake_.interfaces(), Contains("m1"));
  endSession();
  EXPECT_EQ(session_->leftovers().size(), 0u);
  EXPECT_THAT(fake_.interfaces(), Not(Contains("m0")));
  EXPECT_THAT(fake_.addresses(), Not(Contains("10.9.0.5/24")));
  EXPECT_EQ(fake_.calls().back(), "ip link del dev m0");
  EXPECT_EQ(recordCount(), 0u);
}

TEST_F(ChangeServiceTest, SuccessorTakesTheNewestBackFirst) {
  for (const char* name : {"m1", "m2", "m3", "m4"}) {
    auto made =
        make(support::Id::random(), [name](KindBuilder kind) { kind.initBridge().setName(name); });
    ASSERT_FALSE(made.hasError()) << made.getError().getText().cStr();
  }
  size_t before = fake_.calls().size();
  restart();
  auto calls = fake_.calls();
  calls.erase(calls.begin(), calls.begin() + static_cast<ptrdiff_t>(before));
  EXPECT_THAT(calls, ElementsAre("ip link del dev m4", "ip link del dev m3", "ip link del dev m2",
                                 "ip link del dev m1"));
}

TEST_F(ChangeServiceTest, SuccessorOfAKilledKeeperTakesEverythingBack) {
  make(first_, forwarding("1"));
  make(second_, hosts("10.9.0.5", "backup"));
  make(support::Id::random(), address("10.9.0.5/24"));
  EXPECT_THAT(fake_.read("hosts"), HasSubstr("10.9.0.5\tbackup\t# muster:"));
  restart();
  EXPECT_EQ(fake_.read(kForward), "0\n");
  EXPECT_EQ(fake_.read("hosts"), "127.0.0.1\tlocalhost\n");
  EXPECT_THAT(fake_.addresses(), Not(Contains("10.9.0.5/24")));
  EXPECT_EQ(recordCount(), 0u);
}

TEST_F(ChangeServiceTest, RebootTakesWhatTheKernelHeldAndNotTheRest) {
  make(first_, forwarding("1"));
  make(second_, hosts("10.9.0.5", "backup"));
  fake_.write(kForward, "7\n");
  place_.host.bootId = "boot-2";
  restart();
  EXPECT_EQ(fake_.read(kForward), "7\n") << "it is what this boot has set";
  EXPECT_EQ(fake_.read("hosts"), "127.0.0.1\tlocalhost\n");
}

TEST_F(ChangeServiceTest, ParameterThatWasSetTwiceGetsItsFirstValueInAnyOrder) {
  make(first_, forwarding("1"));
  make(second_, forwarding("2"));
  EXPECT_FALSE(undo(first_).hasError());
  EXPECT_EQ(fake_.read(kForward), "2\n") << "the newer change stays";
  EXPECT_FALSE(undo(second_).hasError());
  EXPECT_EQ(fake_.read(kForward), "0\n");
}

TEST_F(ChangeServiceTest, FirstValueComesBackAlsoFromThreeAndByASuccessor) {
  support::Id third = support::Id::random();
  make(first_, forwarding("1"));
  make(second_, forwarding("2"));
  make(third, forwarding("3"));
  EXPECT_FALSE(undo(second_).hasError());
  EXPECT_EQ(fake_.read(kForward), "3\n");
  EXPECT_FALSE(undo(first_).hasError());
  EXPECT_EQ(fake_.read(kForward), "3\n");
  restart();
  EXPECT_EQ(fake_.read(kForward), "0\n");
}

TEST_F(ChangeServiceTest, HostsIsEditedAroundTheLine) {
  make(first_, hosts("10.9.0.5", "backup"));
  make(second_, hosts("10.9.0.6", "other"));
  fake_.write("hosts", fake_.read("hosts") + "10.1.1.1\tsomebody\n");
  EXPECT_FALSE(undo(first_).hasError());
  EXPECT_EQ(fake_.read("hosts").find("10.9.0.6\tother\t# muster:"), 0u);
  EXPECT_FALSE(undo(second_).hasError());
  EXPECT_EQ(fake_.read("hosts"), "127.0.0.1\tlocalhost\n10.1.1.1\tsomebody\n");
}

TEST_F(ChangeServiceTest, FailedChangeLeavesNothing) {
  fake_.breakIp("RTNETLINK answers: Operation not permitted");
  expectRefused(Kind::DENIED, "Operation not permitted", address("10.9.0.5/24"));
  EXPECT_EQ(list().getChanges().size(), 0u);
  endSession();
  EXPECT_EQ(session_->leftovers().size(), 0u);
}

TEST_F(ChangeServiceTest, ChangeThatCannotBeTakenBackIsListedAndLeftOver) {
  make(first_, address("10.9.0.5/24"));
  fake_.breakIp("RTNETLINK answers: Device or resource busy");
  EXPECT_EQ(undo(first_).getError().getKind(), Kind::SYSTEM);
  auto response = list();
  ASSERT_EQ(response.getChanges().size(), 1u);
  EXPECT_EQ(response.getChanges()[0].getState(), State::FAILED);
  EXPECT_THAT(response.getChanges()[0].getReason().cStr(), HasSubstr("resource busy"));
  endSession();
  ASSERT_EQ(session_->leftovers().size(), 1u);
  EXPECT_THAT(session_->leftovers()[0].what.cStr(), HasSubstr("adds address 10.9.0.5/24"));
  EXPECT_EQ(recordCount(), 1u) << "the next keeper tries again";
  fake_.breakIp("");
  session_ = newSession(io_.provider->getTimer());
  restart();
  EXPECT_THAT(fake_.addresses(), Not(Contains("10.9.0.5/24")));
}

TEST_F(ChangeServiceTest, WhatIsThereAlreadyIsRefusedAndStays) {
  expectRefused(Kind::CONFLICT, "has the address 10.0.0.1 already", address("10.0.0.1/16"));
  expectRefused(Kind::CONFLICT, "an interface eth0 already",
                [](KindBuilder kind) { kind.initBridge().setName("eth0"); });
  EXPECT_THAT(fake_.addresses(), Contains("10.0.0.1/24"));
  EXPECT_THAT(fake_.interfaces(), Contains("eth0"));
}

TEST_F(ChangeServiceTest, RecordIsWrittenBeforeTheNodeIsTouched) {
  size_t records = 0;
  auto node = fake_.surroundings();
  node.run = [&records, this, run = node.run](auto argv, int64_t limitNs) {
    if (argv[2] == "add") records = recordCount();
    return run(argv, limitNs);
  };
  restartOn(kj::mv(node));
  EXPECT_FALSE(make(first_, address("10.9.0.5/24")).hasError());
  EXPECT_EQ(records, 1u);
}

// Counts how many programs run at once. Each stays for a moment, so that another could come.
class Meeting {
 public:
  change::RunTool around(change::RunTool run) {
    return [this, run = std::move(run)](kj::ArrayPtr<const kj::String> argv, int64_t limitNs) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        most_ = std::max(most_, ++now_);
        came_.notify_all();
        came_.wait_for(lock, std::chrono::milliseconds(50), [&] { return most_ > 1; });
        --now_;
      }
      return run(argv, limitNs);
    };
  }
  int most() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return most_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable came_;
  int now_ = 0;
  int most_ = 0;
};

TEST_F(ChangeServiceTest, OneThatIsRefusedTakesNothingOfAnotherThatIsBeingMade) {
  Meeting meeting;
  auto node = fake_.surroundings();
  node.run = meeting.around(kj::mv(node.run));
  restartOn(kj::mv(node));
  auto send = [&](const support::Id& id, const char* peer) {
    auto request = offered<wire::Changes>(*service_, *session_).makeRequest();
    request.initSpec().setId(id.data());
    auto veth = request.getSpec().initKind().initVeth();
    veth.setName("m0");
    veth.setPeer(peer);
    return request.send();
  };
  auto first = send(first_, "m1");
  auto second = send(second_, "m2");
  bool isFirst = !first.wait(io_.waitScope).hasError();
  auto refused = second.wait(io_.waitScope);
  EXPECT_EQ(isFirst, refused.hasError());
  EXPECT_EQ(meeting.most(), 1);
  EXPECT_THAT(fake_.interfaces(), Contains("m0"));
  EXPECT_EQ(recordCount(), 1u);
}

TEST_F(ChangeServiceTest, HostsThatIsTooLongIsNotCut) {
  make(first_, hosts("10.9.0.5", "backup"));
  std::string grown = fake_.read("hosts") + std::string(1 << 20, '#');
  fake_.write("hosts", grown);
  EXPECT_EQ(undo(first_).getError().getKind(), Kind::UNSUPPORTED);
  EXPECT_EQ(fake_.read("hosts"), grown);
  EXPECT_EQ(make(second_, hosts("10.9.0.6", "b")).getError().getKind(), Kind::UNSUPPORTED);
}

TEST_F(ChangeServiceTest, MissingThingsAreNamed) {
  expectRefused(Kind::NOT_FOUND, "has no parameter net.ipv4.nope",
                forwarding("1", "net.ipv4.nope"));
  expectRefused(Kind::NOT_FOUND, "has no interface eth9", address("10.9.0.5/24", "eth9"));
  fake_.removeIp();
  expectRefused(Kind::UNSUPPORTED, "install its package iproute2", address("10.9.0.5/24"));
}

TEST_F(ChangeServiceTest, WrongRequestsAreRefusedBeforeAnythingIsLookedAt) {
  expectRefused(Kind::INVALID, "no name of a parameter", forwarding("1", "../../etc/passwd"));
  expectRefused(Kind::INVALID, "no name of a parameter", forwarding("1", "net/../../x"));
  expectRefused(Kind::INVALID, "no name of a parameter", forwarding("1", ""));
  expectRefused(Kind::INVALID, "is not one line", forwarding("1\n2"));
  expectRefused(Kind::INVALID, "such as 10.9.0.5/24", address("10.9.0.5"));
  expectRefused(Kind::INVALID, "such as 10.9.0.5/24", address("10.9.0.5/33"));
  expectRefused(Kind::INVALID, "is no name of an interface", address("10.9.0.5/24", "-x"));
  expectRefused(Kind::INVALID, "is no host name", hosts("10.9.0.5", "two words"));
  expectRefused(Kind::INVALID, "is no address", hosts("ten", "a"));
  expectRefused(Kind::UNSUPPORTED, "does not know that change", [](KindBuilder) {});
  EXPECT_THAT(fake_.calls(), IsEmpty());
}

TEST_F(ChangeServiceTest, AgentThatIsNotRootTouchesNothing) {
  auto node = fake_.surroundings();
  node.isRoot = false;
  restartOn(kj::mv(node));
  expectRefused(Kind::DENIED, "is not root", forwarding("1"));
  EXPECT_EQ(fake_.read(kForward), "0\n");
}

TEST_F(ChangeServiceTest, CommandsOfTheSessionHaveVariablesWhileTheChangeIsThere) {
  auto variable = [](const char* value) {
    return [value](KindBuilder kind) {
      auto list = kind.initCommandEnvironment().initVariables(1);
      list[0].setName("A");
      list[0].setValue(value);
    };
  };
  auto seen = [this] {
    std::string text;
    for (auto& each : session_->variables().all()) text += std::string(each.value.cStr()) + " ";
    return text;
  };
  make(first_, variable("old"));
  make(second_, variable("new"));
  EXPECT_EQ(seen(), "old new ");
  EXPECT_FALSE(undo(second_).hasError());
  EXPECT_EQ(seen(), "old ");
  EXPECT_EQ(recordCount(), 1u);
  endSession();
  EXPECT_EQ(seen(), "");
  EXPECT_EQ(recordCount(), 0u);
}

TEST_F(ChangeServiceTest, ChangeOfSomebodyElseIsNotOurs) {
  make(first_, forwarding("1"));
  session_ = newSession(io_.provider->getTimer(), wire::Role::OPERATOR, "other");
  EXPECT_EQ(make(first_, forwarding("1")).getError().getKind(), Kind::CONFLICT);
  EXPECT_EQ(undo(first_).getError().getKind(), Kind::DENIED);
  session_ = newSession(io_.provider->getTimer(), wire::Role::ADMIN, "chief");
  EXPECT_FALSE(undo(first_).hasError());
  EXPECT_EQ(fake_.read(kForward), "0\n");
}

// A record of what a killed keeper has left is no secret of the disk.
TEST_F(ChangeServiceTest, WhatASuccessorCannotTakeBackIsListedAndTriedAgain) {
  make(first_, address("10.9.0.5/24"));
  fake_.breakIp("RTNETLINK answers: Device or resource busy");
  restart();
  auto response = list();
  ASSERT_EQ(response.getChanges().size(), 1u);
  EXPECT_EQ(response.getChanges()[0].getState(), State::FAILED);
  EXPECT_THAT(response.getChanges()[0].getReason().cStr(), HasSubstr("busy"));
  EXPECT_TRUE(undo(first_).hasError());
  fake_.breakIp("");
  EXPECT_TRUE(undo(first_).getFound());
  EXPECT_THAT(fake_.addresses(), Not(Contains("10.9.0.5/24")));
  EXPECT_EQ(recordCount(), 0u);
}

// The list of a session gives up on an entry after some time.
TEST_F(ChangeServiceTest, ChangeThatOutlastsTheEndOfItsSessionIsTakenBackAllTheSame) {
  auto node = fake_.surroundings();
  std::promise<void> begun;
  std::promise<void> mayEnd;
  node.run = [&, run = node.run](kj::ArrayPtr<const kj::String> argv, int64_t limitNs) {
    if (argv.size() > 2 && argv[2] == "add") {
      begun.set_value();
      mayEnd.get_future().wait_for(std::chrono::seconds(10));
    }
    return run(argv, limitNs);
  };
  restartOn(kj::mv(node));
  auto request = offered<wire::Changes>(*service_, *session_).makeRequest();
  request.initSpec().setId(first_.data());
  address("10.9.0.5/24")(request.getSpec().initKind());
  auto making = request.send();
  auto isBegun = begun.get_future();
  for (int i = 0;
       i < 5000 && isBegun.wait_for(std::chrono::seconds(0)) != std::future_status::ready; ++i) {
    io_.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(io_.waitScope);
  }
  ASSERT_EQ(isBegun.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  // What the session does with an entry that takes too long.
  {
    auto ending = session_->end(EndReason::kClosed);
    io_.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(io_.waitScope);
  }
  mayEnd.set_value();
  making.wait(io_.waitScope);
  for (int i = 0; i < 5000 && recordCount() > 0; ++i) {
    io_.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(io_.waitScope);
  }
  EXPECT_THAT(fake_.addresses(), Not(Contains("10.9.0.5/24")));
  EXPECT_EQ(recordCount(), 0u);
}

TEST_F(ChangeServiceTest, DamagedRecordIsRemovedAndNotActedOn) {
  make(first_, forwarding("1"));
  for (auto& file : std::filesystem::directory_iterator(state_ + "/changes")) {
    std::ofstream(file.path(), std::ios::app) << "x";
  }
  restart();
  EXPECT_EQ(recordCount(), 0u);
  EXPECT_EQ(fake_.read(kForward), "1\n");
}

}  // namespace
}  // namespace nodeagent
