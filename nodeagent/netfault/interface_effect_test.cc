// Takes an interface down in a network namespace of the test's own, and looks at what it has when
// that ends. Needs root; skipped otherwise.
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <kj/io.h>

#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/netfault/netfault_service.h"
#include "nodeagent/os/look_until.h"
#include "nodeagent/session/service_testing.h"
#include "schema/fault.capnp.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = wire::Error::Kind;
using State = wire::FaultStatus::State;

class InterfaceTest : public ::testing::Test {
 protected:
  ~InterfaceTest() noexcept override {}
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    before_ = kj::AutoCloseFd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    // The kernel's own address of IPv6 would come when it likes.
    shell(
        "ip link add mufa0 type bridge && ip link set mufa0 addrgenmode none && ip addr add "
        "10.199.0.1/24 dev mufa0 && "
        "ip -6 addr add fd99::1/64 dev mufa0 nodad && ip link set mufa0 up");
    // The kernel adds these a moment later.
    lookUntil(5'000'000'000, [] {
      std::string shown = show();
      return shown.find("ff00::/8") != std::string::npos &&
             shown.find("local fd99::1") != std::string::npos;
    });
  }
  void TearDown() override {
    if (before_.get() < 0) return;
    EXPECT_EQ(::setns(before_, CLONE_NEWNET), 0);
  }

  static std::string shell(const std::string& script) {
    auto result = runTool()(kj::arr(kj::str("sh"), kj::str("-c"), kj::str(script.c_str())));
    std::string output(result.output.asChars().begin(), result.output.size());
    EXPECT_TRUE(result.succeeded()) << script << ": " << output;
    return output;
  }
  static std::string show(const std::string& interface = "mufa0") {
    return shell("ip route show table all dev " + interface + "; ip -6 route show table all dev " +
                 interface + "; ip -6 -o addr show scope global dev " + interface);
  }
  // The kernel gives an IPv6 address its own routes a moment later.
  static void expectShown(const std::string& before) {
    lookUntil(5'000'000'000, [&]() { return show() == before; });
    EXPECT_EQ(show(), before);
  }
  static bool isUp() { return shell("ip link show mufa0").find(",UP") != std::string::npos; }

  // Begins the effect and returns the text by which it is undone.
  static kj::String begin() {
    LocalSpec spec{"down"};
    spec.interface = kj::str("mufa0");
    kj::String place;
    RememberPlace remember = [&](kj::String text) { place = kj::mv(text); };
    LocalHost host;
    host.run = runTool();
    beginLocal(spec, host, remember);
    EXPECT_FALSE(isUp());
    return place;
  }
  static support::Failure failureOf(kj::FunctionParam<void()> call) {
    auto thrown = kj::runCatchingExceptions([&]() { call(); });
    KJ_IF_MAYBE (exception, thrown) return support::toFailure(*exception, "test");
    return {};
  }

  kj::AutoCloseFd before_;
};

// `ip` lists the default route first, whose gateway is reached by the route behind it.
TEST_F(InterfaceTest, GatewaysFindTheRoutesToThem) {
  shell(
      "ip route add 192.0.2.1/32 dev mufa0 && ip route add default via 192.0.2.1 dev mufa0 && "
      "ip -6 route add 2001:db8::1/128 dev mufa0 && "
      "ip -6 route add default via 2001:db8::1 dev mufa0 && "
      "ip route add 198.51.100.0/24 via 10.199.0.7 dev mufa0 table 77 proto static metric 5");
  std::string before = show();
  auto place = begin();
  EXPECT_TRUE(removeLocal(place).isThere);
  expectShown(before);
  EXPECT_THAT(before, AllOf(HasSubstr("default via 192.0.2.1"), HasSubstr("table 77")));
}

// Somebody may have made a route as the kernel makes those of addresses.
TEST_F(InterfaceTest, RoutesOfEveryOriginComeBack) {
  shell(
      "ip route add 198.51.100.0/24 dev mufa0 proto kernel scope link && "
      "ip -6 addr add fd98::1/64 dev mufa0 nodad noprefixroute");
  std::string before = show();
  removeLocal(begin());
  expectShown(before);
  EXPECT_THAT(before, AllOf(HasSubstr("198.51.100.0/24"), Not(HasSubstr("fd98::/64"))));
}

TEST_F(InterfaceTest, RouteHasTheRestOfItsTime) {
  shell(
      "ip -6 route add 2001:db8:1::/64 dev mufa0 expires 600 && "
      "ip -6 route add 2001:db8:2::/64 dev mufa0 expires 500");
  auto place = begin();
  std::string text = place.cStr();
  size_t at = text.find("expires @", text.find("2001:db8:2::/64"));
  ASSERT_NE(at, std::string::npos) << text;
  // The second one's time was over when the node had just started.
  text.replace(at, text.find(' ', at + 8) - at, "expires @1");
  removeLocal(text.c_str());
  EXPECT_THAT(show(), AllOf(HasSubstr("2001:db8:1::/64"), HasSubstr(" expires "),
                            Not(HasSubstr("2001:db8:2::/64"))));
}

TEST_F(InterfaceTest, ManyRoutesComeBackAndTooManyAreRefused) {
  auto addRoutes = [](const char* network, int count) {
    shell("i=0; while [ $i -lt " + std::to_string(count) + " ]; do i=$((i + 1)); echo route add " +
          network + ".$((i / 250)).$((i % 250))/32 dev mufa0; done | ip -batch -");
  };
  addRoutes("10.197", 400);
  std::string before = show();
  removeLocal(begin());
  expectShown(before);
  addRoutes("10.196", 700);
  auto failure = failureOf([]() { begin(); });
  EXPECT_EQ(failure.kind, Kind::OVERLOADED);
  EXPECT_THAT(failure.text.cStr(), HasSubstr("at most 1024 can be given back"));
  EXPECT_TRUE(isUp());
}

// The gateway is not reached until somebody gives the interface its address again.
TEST_F(InterfaceTest, EndThatFailsIsTriedAgainWithAllRoutes) {
  shell("ip route add 198.51.100.0/24 via 10.199.0.7 dev mufa0");
  std::string before = show();
  auto place = begin();
  shell("ip addr del 10.199.0.1/24 dev mufa0");
  EXPECT_THAT(failureOf([&]() { removeLocal(place); }).text.cStr(),
              HasSubstr("is up, but without all of its routes"));
  Shown shown = readLocal(place);
  EXPECT_TRUE(shown.isThere);
  EXPECT_FALSE(shown.isWorking);
  EXPECT_THAT(shown.witness.cStr(), HasSubstr("is up, and lacks "));
  shell("ip addr add 10.199.0.1/24 dev mufa0");
  removeLocal(place);
  expectShown(before);
  EXPECT_FALSE(readLocal(place).isThere);
}

TEST_F(InterfaceTest, InterfaceThatSomebodyTookUpGetsItsRoutesAndIsReported) {
  shell("ip route add 198.51.100.0/24 via 10.199.0.7 dev mufa0");
  std::string before = show();
  auto place = begin();
  shell("ip link set mufa0 up");
  EXPECT_FALSE(readLocal(place).isWorking);
  EXPECT_FALSE(removeLocal(place).isThere);
  expectShown(before);
}

TEST_F(InterfaceTest, InterfaceThatIsGoneHasTakenTheFaultWithIt) {
  auto place = begin();
  shell("ip link del mufa0 && ip link add mufa0 type bridge");
  EXPECT_THAT(readLocal(place).witness.cStr(), HasSubstr("mufa0 is gone"));
  EXPECT_TRUE(removeLocal(place).isThere);
  EXPECT_FALSE(isUp()) << "another interface has its name";
}

TEST_F(InterfaceTest, RenamedInterfaceIsFound) {
  shell("ip route add 198.51.100.0/24 via 10.199.0.7 dev mufa0");
  auto place = begin();
  shell("ip link set mufa0 name mufa1");
  EXPECT_TRUE(removeLocal(place).isThere);
  EXPECT_THAT(show("mufa1"), HasSubstr("198.51.100.0/24 via 10.199.0.7"));
}

// Does it through the capability, and looks at how the fault stands and at its record.
class InterfaceFaultTest : public InterfaceTest {
 protected:
  ~InterfaceFaultTest() noexcept override {}
  void SetUp() override {
    InterfaceTest::SetUp();
    if (IsSkipped()) return;
    directory_ = "/tmp/interfacefault-XXXXXX";
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
    place_.host.stateDirectory = directory_.c_str();
    shell("ip route add 198.51.100.0/24 via 10.199.0.7 dev mufa0");
    restart();
    auto request = offered<wire::Faults>(*service_, *session_).addRequest();
    auto spec = request.initSpec();
    spec.setId(id_.data());
    spec.setTitle("down");
    spec.initEffect().initDown().setInterface("mufa0");
    auto added = request.send().wait(io_.waitScope);
    ASSERT_FALSE(added.hasError()) << added.getError().getText().cStr();
  }
  void TearDown() override {
    service_ = nullptr;
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
    InterfaceTest::TearDown();
  }

  // What a killed keeper and its successor do.
  void restart() { service_ = makeNetfault(place_.host); }
  auto heal() {
    auto request = offered<wire::Faults>(*service_, *session_).healRequest();
    request.setId(id_.data());
    return request.send().wait(io_.waitScope);
  }
  capnp::Response<wire::FaultView::ListResults> list() {
    return offered<wire::FaultView>(*service_, *session_).listRequest().send().wait(io_.waitScope);
  }
  bool hasRecord() const { return !std::filesystem::is_empty(directory_ + "/faults"); }
  static bool hasRoute() { return show().find("198.51.100.0/24") != std::string::npos; }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  support::CapturedLog log_;
  std::string directory_;
  support::Id id_ = support::Id::random();
  TestHost place_{io_};
  kj::Own<Session> session_ = newSession(io_.provider->getTimer(), wire::Role::OPERATOR);
  kj::Own<AgentService> service_;
};

TEST_F(InterfaceFaultTest, RoutesAreKnownUntilAllAreBack) {
  shell("ip addr del 10.199.0.1/24 dev mufa0");
  EXPECT_THAT(heal().getError().getText().cStr(), HasSubstr("without all of its routes"));
  ASSERT_EQ(list().getFaults().size(), 1u);
  EXPECT_EQ(list().getFaults()[0].getState(), State::FAILED);
  EXPECT_TRUE(hasRecord());
  shell("ip addr add 10.199.0.1/24 dev mufa0");
  heal();
  EXPECT_TRUE(hasRoute());
  EXPECT_FALSE(hasRecord());
  EXPECT_EQ(list().getFaults().size(), 0u);
}

TEST_F(InterfaceFaultTest, SuccessorThatFailsKeepsTheFault) {
  shell("ip addr del 10.199.0.1/24 dev mufa0");
  restart();
  auto response = list();
  ASSERT_EQ(response.getFaults().size(), 1u);
  EXPECT_EQ(response.getFaults()[0].getState(), State::FAILED);
  EXPECT_THAT(response.getFaults()[0].getReason().cStr(), HasSubstr("without all of its routes"));
  shell("ip addr add 10.199.0.1/24 dev mufa0");
  heal();
  EXPECT_TRUE(hasRoute());
  EXPECT_FALSE(hasRecord());
}

TEST_F(InterfaceFaultTest, VanishedInterfaceIsListedAndHealed) {
  shell("ip link del mufa0");
  auto response = list();
  ASSERT_EQ(response.getFaults().size(), 1u) << response.getError().getText().cStr();
  EXPECT_THAT(response.getFaults()[0].getWitness().cStr(), HasSubstr("mufa0 is gone"));
  auto healed = heal();
  EXPECT_FALSE(healed.hasError()) << healed.getError().getText().cStr();
  EXPECT_EQ(healed.getStatus().getState(), State::GONE);
  EXPECT_THAT(healed.getStatus().getWitness().cStr(), HasSubstr("mufa0 is gone"));
  EXPECT_FALSE(hasRecord());
}

}  // namespace
}  // namespace nodeagent::netfault
