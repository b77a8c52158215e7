// Tries the service through its capability, with an nft that keeps its tables in memory.
#include "nodeagent/netfault/netfault_service.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "nodeagent/netfault/fake_nft_testing.h"
#include "nodeagent/os/command.h"
#include "nodeagent/session/service_testing.h"
#include "schema/fault.capnp.h"
#include "schema/support/base/log.h"

namespace nodeagent {
namespace {

using netfault::FakeNft;
using ::testing::Contains;
using ::testing::HasSubstr;
using Kind = wire::Error::Kind;
using State = wire::FaultStatus::State;
using SpecBuilder = wire::FaultSpec::Builder;

constexpr int64_t kSecond = 1'000'000'000;

class NetfaultServiceTest : public ::testing::Test {
 protected:
  NetfaultServiceTest() {
    char path[] = "/tmp/netfault-XXXXXX";
    directory_ = mkdtemp(path);
    place_.host.stateDirectory = directory_.c_str();
    place_.host.controlPorts = kj::heapArray<uint16_t>({7411});
    restart();
  }
  ~NetfaultServiceTest() noexcept override {
    service_ = nullptr;
    std::filesystem::remove_all(directory_);
  }

  // What a killed keeper and its successor do: sessions are not ended.
  void restart() {
    service_ = makeNetfault(place_.host, fake_.tool());
    faults();
  }

  kj::Own<Session> newLease(int64_t leaseNs, kj::StringPtr identity = "test",
                            wire::Role role = wire::Role::OPERATOR) {
    Session::Options options;
    options.id = support::Id::random();
    options.identity = kj::str(identity);
    options.role = role;
    options.leaseNs = leaseNs;
    return kj::refcounted<Session>(kj::mv(options), systemClock(), io_.provider->getTimer());
  }

  using Change = kj::Function<void(SpecBuilder)>;
  auto add(Change change = [](SpecBuilder) {}) {
    auto request = offered<wire::Faults>(*service_, *session_).addRequest();
    auto spec = request.initSpec();
    spec.setId(id_.data());
    spec.setTitle("isolate");
    auto drop = spec.initEffect().initDrop();
    drop.initAddresses(1).set(0, "192.0.2.7");
    drop.initPeers(1).set(0, "server2");
    change(spec);
    return request.send().wait(io_.waitScope);
  }
  auto heal() {
    auto request = offered<wire::Faults>(*service_, *session_).healRequest();
    request.setId(id_.data());
    return request.send().wait(io_.waitScope);
  }
  capnp::Response<wire::FaultView::ListResults> faults() {
    return offered<wire::FaultView>(*service_, *session_).listRequest().send().wait(io_.waitScope);
  }
  void pass(kj::Duration time) { io_.provider->getTimer().afterDelay(time).wait(io_.waitScope); }
  void expectRefused(Kind kind, const char* text, Change change) {
    auto response = add(kj::mv(change));
    EXPECT_EQ(response.getError().getKind(), kind) << response.getError().getText().cStr();
    EXPECT_THAT(response.getError().getText().cStr(), HasSubstr(text));
    EXPECT_TRUE(fake_.texts().empty()) << "nothing was touched";
  }
  size_t recordCount() const {
    std::error_code none;
    auto files = std::filesystem::directory_iterator(directory_ + "/faults", none);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  support::CapturedLog log_;
  std::string directory_;
  FakeNft fake_;
  support::Id id_ = support::Id::random();
  kj::Own<Session> session_ = newLease(60 * kSecond);
  TestHost place_{io_};
  kj::Own<AgentService> service_;
};

TEST_F(NetfaultServiceTest, FaultIsActiveThenGone) {
  auto added = add();
  ASSERT_FALSE(added.hasError()) << added.getError().getText().cStr();
  EXPECT_EQ(added.getStatus().getState(), State::ACTIVE);
  EXPECT_EQ(recordCount(), 1u);
  fake_.count(3);
  auto response = faults();
  auto listed = response.getFaults();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_STREQ(listed[0].getText().cStr(), "drops packets from 192.0.2.7");
  EXPECT_EQ(listed[0].getPackets(), 3u);
  auto healed = heal();
  EXPECT_TRUE(healed.getFound());
  EXPECT_EQ(healed.getStatus().getState(), State::GONE);
  EXPECT_EQ(healed.getOthers(), 0u);
  EXPECT_EQ(fake_.tableCount(), 0u);
  EXPECT_EQ(recordCount(), 0u);
  EXPECT_EQ(faults().getFaults().size(), 0u);
  EXPECT_FALSE(heal().getFound());
}

TEST_F(NetfaultServiceTest, BothCallsMayBeSentTwice) {
  EXPECT_EQ(add().getStatus().getState(), State::ACTIVE);
  EXPECT_EQ(add().getStatus().getState(), State::ACTIVE);
  EXPECT_EQ(fake_.texts().size(), 1u);
  EXPECT_TRUE(heal().getFound());
  EXPECT_FALSE(heal().hasError());
}

TEST_F(NetfaultServiceTest, EndOfTheSessionHeals) {
  add();
  session_->end(EndReason::kExpired).wait(io_.waitScope);
  EXPECT_EQ(session_->leftovers().size(), 0u);
  EXPECT_EQ(fake_.tableCount(), 0u);
  EXPECT_EQ(add().getError().getKind(), Kind::EXPIRED);
  session_ = newLease(60 * kSecond);
  EXPECT_FALSE(heal().getFound()) << "it had ended before";
}

TEST_F(NetfaultServiceTest, HeldFaultOutlivesItsSessionAndEndsInTime) {
  add([](SpecBuilder spec) { spec.setHoldNs(kSecond); });
  session_->end(EndReason::kClosed).wait(io_.waitScope);
  session_ = newLease(60 * kSecond);
  auto response = faults();
  auto listed = response.getFaults();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_TRUE(listed[0].getIsHeld());
  EXPECT_EQ(fake_.tableCount(), 1u);
  pass(1200 * kj::MILLISECONDS);
  EXPECT_EQ(faults().getFaults().size(), 0u);
  EXPECT_EQ(fake_.tableCount(), 0u);
}

TEST_F(NetfaultServiceTest, KernelIsToldAgainWhileTheLeaseIsRenewed) {
  session_ = newLease(kSecond);
  add();
  ASSERT_THAT(fake_.texts(), Contains(HasSubstr(" timeout 2")));
  for (int i = 0; i < 12; ++i) {
    pass(100 * kj::MILLISECONDS);
    session_->renew();
  }
  EXPECT_THAT(fake_.texts(), Contains(HasSubstr("flush set")));
  EXPECT_FALSE(heal().hasError());
}

// A lease that runs out is not made longer by the keeper.
TEST_F(NetfaultServiceTest, KernelIsNotToldAgainForALostController) {
  session_ = newLease(kSecond);
  add();
  pass(1500 * kj::MILLISECONDS);
  EXPECT_EQ(fake_.texts().size(), 1u);
  session_->end(EndReason::kExpired).wait(io_.waitScope);
}

// The kernel has ended the fault meanwhile. To begin it again would hide that.
TEST_F(NetfaultServiceTest, KeeperThatStoodStillDoesNotBeginTheFaultAgain) {
  session_ = newLease(kSecond);
  add();
  runCommand(kj::arr(kj::str("sleep"), kj::str("3.2")), 20 * kSecond);
  session_->renew();
  pass(10 * kj::MILLISECONDS);
  EXPECT_EQ(fake_.texts().size(), 1u);
  auto response = faults();
  EXPECT_EQ(response.getFaults()[0].getState(), State::FAILED);
  EXPECT_THAT(response.getFaults()[0].getReason().cStr(), HasSubstr("stood still for longer"));
  EXPECT_THAT(heal().getError().getText().cStr(), HasSubstr("ended before its time"));
  EXPECT_EQ(fake_.tableCount(), 0u);
}

TEST_F(NetfaultServiceTest, ToolThatDoesNothingFailsTheCall) {
  fake_.become(FakeNft::Mode::kIdle);
  auto response = add();
  EXPECT_EQ(response.getError().getKind(), Kind::SYSTEM);
  EXPECT_THAT(response.getError().getText().cStr(), HasSubstr("but the kernel shows no chain"));
  EXPECT_EQ(recordCount(), 0u);
  EXPECT_EQ(faults().getFaults().size(), 0u);
  EXPECT_FALSE(heal().getFound());
  session_->end(EndReason::kClosed).wait(io_.waitScope);
  EXPECT_EQ(session_->leftovers().size(), 0u);
}

TEST_F(NetfaultServiceTest, HalfMadeFaultIsRemovedAgain) {
  fake_.become(FakeNft::Mode::kForgetful);
  EXPECT_THAT(add().getError().getText().cStr(), HasSubstr("no element 192.0.2.7"));
  EXPECT_EQ(fake_.tableCount(), 0u);
  EXPECT_EQ(recordCount(), 0u);
}

TEST_F(NetfaultServiceTest, FaultThatSomebodyRemovedIsAnErrorAtItsEnd) {
  add();
  fake_.clear();
  auto response = faults();
  auto listed = response.getFaults();
  EXPECT_EQ(listed[0].getState(), State::FAILED);
  auto healed = heal();
  EXPECT_EQ(healed.getError().getKind(), Kind::SYSTEM);
  EXPECT_THAT(healed.getError().getText().cStr(), HasSubstr("the kernel has it no more"));
  EXPECT_EQ(faults().getFaults().size(), 0u);
}

TEST_F(NetfaultServiceTest, FaultThatDoesNotEndIsTriedAgainAndLeftOver) {
  add();
  fake_.spoil("\tchain mine {\n\t}\n");
  EXPECT_THAT(heal().getError().getText().cStr(), HasSubstr("is not ours; it stays"));
  EXPECT_EQ(faults().getFaults()[0].getState(), State::FAILED);
  session_->end(EndReason::kClosed).wait(io_.waitScope);
  ASSERT_EQ(session_->leftovers().size(), 1u);
  EXPECT_THAT(session_->leftovers()[0].what.cStr(), HasSubstr("(isolate)"));
  EXPECT_EQ(recordCount(), 1u) << "the next keeper tries again";
}

TEST_F(NetfaultServiceTest, FaultThatDidNotEndIsGoneWhenSomebodyRemovesIt) {
  add();
  fake_.spoil("\tchain mine {\n\t}\n");
  EXPECT_TRUE(heal().hasError());
  EXPECT_EQ(faults().getFaults().size(), 1u);
  fake_.clear();
  EXPECT_EQ(faults().getFaults().size(), 0u);
  faults();
  EXPECT_EQ(recordCount(), 0u);
}

TEST_F(NetfaultServiceTest, FaultThatTheSuccessorCannotEndIsListedAndTriedAgain) {
  add();
  fake_.spoil("\tchain mine {\n\t}\n");
  restart();
  auto response = faults();
  ASSERT_EQ(response.getFaults().size(), 1u);
  EXPECT_EQ(response.getFaults()[0].getState(), State::FAILED);
  EXPECT_THAT(response.getFaults()[0].getReason().cStr(), HasSubstr("is not ours; it stays"));
  fake_.spoil("");
  EXPECT_THAT(heal().getError().getText().cStr(), HasSubstr("it does not end"));
  EXPECT_EQ(fake_.tableCount(), 0u);
  EXPECT_EQ(recordCount(), 0u);
}

// One fault that nobody can look at hides no other.
TEST_F(NetfaultServiceTest, FaultThatCannotBeLookedAtIsListed) {
  add();
  fake_.become(FakeNft::Mode::kNotPermitted);
  auto response = faults();
  ASSERT_EQ(response.getFaults().size(), 1u) << response.getError().getText().cStr();
  EXPECT_EQ(response.getFaults()[0].getState(), State::ACTIVE);
  EXPECT_THAT(response.getFaults()[0].getWitness().cStr(), HasSubstr("nobody can tell: "));
  fake_.become(FakeNft::Mode::kWorks);
  EXPECT_TRUE(heal().getFound());
}

TEST_F(NetfaultServiceTest, SuccessorOfAKilledKeeperEndsTheFaultsOfItsSessions) {
  add();
  restart();
  EXPECT_EQ(fake_.tableCount(), 0u);
  EXPECT_EQ(recordCount(), 0u);
}

TEST_F(NetfaultServiceTest, SuccessorTakesHeldFaultsOver) {
  add([](SpecBuilder spec) { spec.setHoldNs(60 * kSecond); });
  restart();
  auto response = faults();
  auto listed = response.getFaults();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].getState(), State::ACTIVE);
  EXPECT_GT(listed[0].getRemainingNs(), 50 * kSecond);
  EXPECT_STREQ(listed[0].getTitle().cStr(), "isolate");
  EXPECT_STREQ(listed[0].getPeers()[0].cStr(), "server2");
  EXPECT_TRUE(heal().getFound());
  EXPECT_EQ(fake_.tableCount(), 0u);
}

TEST_F(NetfaultServiceTest, RecordsOfAnotherBootAndDamagedOnesAreRemoved) {
  add([](SpecBuilder spec) { spec.setHoldNs(60 * kSecond); });
  std::ofstream(directory_ + "/faults/garbage") << "12345678\nnothing";
  std::ofstream(directory_ + "/faults/" + support::Id::random().text()) << "";
  place_.host.bootId = "boot-2";
  restart();
  EXPECT_EQ(faults().getFaults().size(), 0u);
  EXPECT_EQ(recordCount(), 0u);
  EXPECT_EQ(fake_.tableCount(), 0u);
}

TEST_F(NetfaultServiceTest, FaultsOfOthersAreNotOurs) {
  add();
  auto owner = kj::mv(session_);
  session_ = newLease(60 * kSecond, "other");
  EXPECT_EQ(add().getError().getKind(), Kind::CONFLICT);
  EXPECT_THAT(heal().getError().getText().cStr(), HasSubstr("test added it"));
  session_ = newLease(60 * kSecond, "chief", wire::Role::ADMIN);
  EXPECT_TRUE(heal().getFound());
}

TEST_F(NetfaultServiceTest, MissingToolIsNamedBeforeAnythingIsTouched) {
  fake_.become(FakeNft::Mode::kMissing);
  expectRefused(Kind::UNSUPPORTED, "package nftables", [](SpecBuilder) {});
  EXPECT_EQ(recordCount(), 0u);
}

TEST_F(NetfaultServiceTest, WrongAddressesAreRefused) {
  struct Case {
    const char* address;
    const char* reason;
  };
  for (const Case& each :
       {Case{"127.0.0.1", "loopback"}, Case{"::1", "loopback"}, Case{"224.0.0.1", "multicast"},
        Case{"ff02::1", "multicast"}, Case{"0.0.0.0", "no address of a node"},
        Case{"::", "no address of"}, Case{"::ffff:10.0.0.1", "give the IPv4"},
        Case{"server1", "not an IPv4"}, Case{"10.0.0.1/8", "not an IPv4"}, Case{"", "not an IPv4"},
        Case{"1.2.3.4; flush ruleset", "not an IPv4"}}) {
    expectRefused(Kind::INVALID, each.reason, [&](SpecBuilder spec) {
      spec.getEffect().getDrop().initAddresses(1).set(0, each.address);
    });
  }
  auto none = [](SpecBuilder spec) { spec.getEffect().getDrop().initAddresses(0); };
  expectRefused(Kind::INVALID, "there is none", none);
  auto many = [](SpecBuilder spec) { spec.getEffect().getDrop().initAddresses(513); };
  expectRefused(Kind::INVALID, "513 are more than 512", many);
}

TEST_F(NetfaultServiceTest, ValuesOutOfRangeAreRefused) {
  expectRefused(Kind::INVALID, "is above 1000000",
                [](SpecBuilder spec) { spec.getEffect().getDrop().setPartsPerMillion(1'000'001); });
  expectRefused(Kind::INVALID, "protocol: ", [](SpecBuilder spec) {
    spec.getEffect().getDrop().setProtocol(static_cast<wire::Drop::Protocol>(9));
  });
  expectRefused(Kind::INVALID, "holdNs: -1", [](SpecBuilder spec) { spec.setHoldNs(-1); });
  auto long_ = [](SpecBuilder spec) { spec.setHoldNs(24 * 3600 * kSecond + 1); };
  expectRefused(Kind::INVALID, "24 h", long_);
  for (const char* title : {"", "Isolate", "a b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    expectRefused(Kind::INVALID, "title: ", [&](SpecBuilder spec) { spec.setTitle(title); });
  }
  auto shortId = [](SpecBuilder spec) { spec.setId(kj::StringPtr("short").asBytes()); };
  expectRefused(Kind::INVALID, "id: is not 16 bytes", shortId);
  auto noEffect = [](SpecBuilder spec) { spec.initEffect().setUnspecified(); };
  expectRefused(Kind::UNSUPPORTED, "effect: ", noEffect);
}

TEST_F(NetfaultServiceTest, ControlPathIsNeverCut) {
  expectRefused(Kind::INVALID, "port: 7411 is the agent's own",
                [](SpecBuilder spec) { spec.getEffect().getDrop().setPort(7411); });
  expectRefused(Kind::INVALID, "peerPorts: 80 is no port of an agent", [](SpecBuilder spec) {
    spec.getEffect().getDrop().setPort(80);
    spec.getEffect().getDrop().initPeerPorts(1).set(0, 80);
  });
  place_.host.controlPorts = kj::heapArray<uint16_t>({0});
  restart();
  expectRefused(Kind::UNSUPPORTED, "cannot be left out", [](SpecBuilder) {});
}

TEST_F(NetfaultServiceTest, LinkBecomesSlowAndFastAgain) {
  auto slow = [](SpecBuilder spec) {
    auto link = spec.initEffect().initLink();
    link.setInterface("eth0");
    link.setBitsPerSecond(8'000'000);
  };
  auto added = add(slow);
  ASSERT_FALSE(added.hasError()) << added.getError().getText().cStr();
  EXPECT_STREQ(added.getStatus().getText().cStr(), "sends by eth0 with rate 8000000 bit/s");
  EXPECT_THAT(fake_.texts(), Contains("tc qdisc add dev eth0 root handle 6d75: tbf rate 8000000bit "
                                      "burst 10000 latency 400ms"));
  id_ = support::Id::random();
  EXPECT_THAT(add(slow).getError().getText().cStr(), HasSubstr("already, of another fault"));
  restart();
  EXPECT_EQ(fake_.qdiscOf("eth0"), "") << "the next keeper ends it";
  EXPECT_EQ(recordCount(), 0u);
  add(slow);
  EXPECT_TRUE(heal().getFound());
  EXPECT_EQ(fake_.qdiscOf("eth0"), "");
}

TEST_F(NetfaultServiceTest, VanishedInterfaceIsHealed) {
  add([](SpecBuilder spec) {
    auto link = spec.initEffect().initLink();
    link.setInterface("eth0");
    link.setBitsPerSecond(8'000'000);
  });
  fake_.removeInterface("eth0");
  ASSERT_EQ(faults().getFaults().size(), 1u);
  EXPECT_STREQ(faults().getFaults()[0].getWitness().cStr(), "interface eth0 is gone");
  auto healed = heal();
  EXPECT_FALSE(healed.hasError()) << healed.getError().getText().cStr();
  EXPECT_STREQ(healed.getStatus().getWitness().cStr(), "interface eth0 is gone");
  EXPECT_EQ(recordCount(), 0u);
}

TEST_F(NetfaultServiceTest, QueueingDisciplineOfSomebodyElseStays) {
  fake_.putQdisc("eth0", "htb 1:");
  expectRefused(Kind::CONFLICT, "htb 1: already, which is not ours", [](SpecBuilder spec) {
    auto link = spec.initEffect().initLink();
    link.setInterface("eth0");
    link.setBitsPerSecond(8'000'000);
  });
  EXPECT_EQ(fake_.qdiscOf("eth0"), "htb 1:");
  EXPECT_EQ(recordCount(), 0u);
}

TEST_F(NetfaultServiceTest, WrongLinksAreRefused) {
  using Link = wire::Link::Builder;
  auto refused = [this](Kind kind, const char* text, kj::Function<void(Link)> change) {
    expectRefused(kind, text, [&](SpecBuilder spec) {
      auto link = spec.initEffect().initLink();
      link.setInterface("eth0");
      change(link);
    });
  };
  refused(Kind::INVALID, "neither a rate nor", [](Link) {});
  refused(Kind::INVALID, "bitsPerSecond: 7999", [](Link link) { link.setBitsPerSecond(7999); });
  refused(Kind::INVALID, "delayNs: -1", [](Link link) { link.setDelayNs(-1); });
  refused(Kind::INVALID, "delayNs: 60000000001",
          [](Link link) { link.setDelayNs(60 * kSecond + 1); });
  refused(Kind::INVALID, "corruptPpm: 1000001", [](Link link) { link.setCorruptPpm(1'000'001); });
  refused(Kind::INVALID, "need a delay", [](Link link) { link.setJitterNs(5'000'000); });
  for (const char* name : {"", "-s", "a b", "eth0;", "sixteencharacter"}) {
    refused(Kind::INVALID, "interface: ", [&](Link link) { link.setInterface(name); });
  }
  refused(Kind::NOT_FOUND, "Cannot find device", [](Link link) {
    link.setInterface("nope");
    link.setBitsPerSecond(8'000'000);
  });
}

// As on a kernel without the module.
TEST_F(NetfaultServiceTest, MissingDisciplineIsNamed) {
  auto response = add([](SpecBuilder spec) {
    auto link = spec.initEffect().initLink();
    link.setInterface("eth0");
    link.setDelayNs(50'000'000);
  });
  EXPECT_EQ(response.getError().getKind(), Kind::UNSUPPORTED);
  EXPECT_THAT(response.getError().getText().cStr(), HasSubstr("lacks the queueing discipline "
                                                              "sch_netem"));
  EXPECT_EQ(recordCount(), 0u);
  fake_.become(FakeNft::Mode::kMissing);
  expectRefused(Kind::UNSUPPORTED, "package iproute2", [](SpecBuilder spec) {
    auto link = spec.initEffect().initLink();
    link.setInterface("eth0");
    link.setBitsPerSecond(8'000'000);
  });
}

TEST_F(NetfaultServiceTest, NodeHasABoundedNumberOfFaults) {
  for (int i = 0; i < 64; ++i) {
    id_ = support::Id::random();
    ASSERT_FALSE(add().hasError()) << i;
  }
  id_ = support::Id::random();
  EXPECT_EQ(add().getError().getKind(), Kind::OVERLOADED);
}

TEST_F(NetfaultServiceTest, ProbeTellsARefusalFromSilence) {
  auto request = offered<wire::Faults>(*service_, *session_).probeRequest();
  request.setWaitNs(200'000'000);
  auto probes = request.initProbes(3);
  probes[0].setAddress("127.0.0.1");  // Its kernel refuses datagrams to a closed port.
  probes[1].setAddress("127.0.0.1");
  probes[1].setProtocol(wire::Drop::Protocol::TCP);
  probes[1].setPort(1);
  probes[2].setAddress("192.0.2.7");  // Reserved for documentation: nobody answers.
  auto response = request.send().wait(io_.waitScope);
  ASSERT_EQ(response.getAnswered().size(), 3u) << response.getError().getText().cStr();
  EXPECT_TRUE(response.getAnswered()[0]);
  EXPECT_TRUE(response.getAnswered()[1]);
  EXPECT_FALSE(response.getAnswered()[2]);
}

}  // namespace
}  // namespace nodeagent
