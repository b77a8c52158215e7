// On a network namespace of the test's own. Needs root; skipped otherwise.
#include "harness/provision/local/hub/netlink.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/files.h"
#include "harness/provision/local/hub/error.h"

namespace harness {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

constexpr MacAddress kBridgeMac = {2, 0, 10, 99, 0, 1};
constexpr MacAddress kNodeMac = {2, 0, 10, 99, 0, 11};

// Throws SystemError if there is no such link in this thread's namespace.
MacAddress addressOf(const std::string& link) {
  Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  link.copy(request.ifr_name, sizeof request.ifr_name - 1);
  check(::ioctl(socket.get(), SIOCGIFHWADDR, &request), "address of " + link);
  MacAddress mac;
  std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
  return mac;
}

class NetlinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    before_ = Fd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    check(::unshare(CLONE_NEWNET), "unshare");
  }
  void TearDown() override {
    if (before_) check(::setns(before_.get(), CLONE_NEWNET), "setns");
  }

  Fd before_;
};

TEST_F(NetlinkTest, MakesABridgeWithAddressesOfBothFamilies) {
  Netlink netlink;
  netlink.makeBridge("br0", kBridgeMac);
  int bridge = netlink.indexOf("br0");
  netlink.addAddress(bridge, "10.99.0.1/24");
  netlink.addAddress(bridge, "fd99::1/64");
  netlink.setUp(bridge);
  EXPECT_THAT(readFile("/proc/self/net/if_inet6"), HasSubstr("fd990000000000000000000000000001"));
  EXPECT_THAT(readFile("/proc/self/net/fib_trie"), HasSubstr("10.99.0.1"));
}

// The port's address is the lower one, which a bridge without its own takes.
TEST_F(NetlinkTest, BridgeKeepsItsAddressWhenItsPortsChange) {
  Netlink netlink;
  netlink.makeBridge("br0", {2, 0xff, 0xff, 0xff, 0xff, 0xff});
  netlink.makePair("v1", netlink.indexOf("br0"), ::getpid(), kNodeMac);
  EXPECT_EQ(addressOf("br0"), (MacAddress{2, 0xff, 0xff, 0xff, 0xff, 0xff}));
  EXPECT_EQ(addressOf("eth0"), kNodeMac);
}

TEST_F(NetlinkTest, PutsOneEndOfAPairIntoAnotherNamespace) {
  Pipe stay = makePipe();
  Pipe ready = makePipe();
  pid_t peer = ::fork();
  if (peer == 0) {
    stay.writeEnd.reset();
    bool made = ::unshare(CLONE_NEWNET) == 0 && ::write(ready.writeEnd.get(), "r", 1) == 1;
    char byte;
    if (!made || ::read(stay.readEnd.get(), &byte, 1) < 0) ::_exit(2);
    ::_exit(::if_nametoindex("eth0") != 0 ? 0 : 1);
  }
  char byte;
  ASSERT_EQ(::read(ready.readEnd.get(), &byte, 1), 1);
  Netlink netlink;
  netlink.makeBridge("br0", kBridgeMac);
  netlink.makePair("v1", netlink.indexOf("br0"), peer, kNodeMac);
  EXPECT_NE(netlink.indexOf("v1"), 0);
  stay.writeEnd.reset();
  int status = 0;
  ASSERT_EQ(::waitpid(peer, &status, 0), peer);
  EXPECT_EQ(status, 0) << "the peer did not see eth0";
  netlink.removeLink("v1");
  netlink.removeLink("v1");  // Gone already: no error.
}

TEST_F(NetlinkTest, SaysWhatFailedForWhichLink) {
  Netlink netlink;
  EXPECT_THAT([&] { netlink.indexOf("nope"); },
              ThrowsMessage<SystemError>(HasSubstr("look up link nope: ")));
  netlink.makeBridge("br0", kBridgeMac);
  EXPECT_THAT([&] { netlink.makeBridge("br0", kBridgeMac); },
              ThrowsMessage<SystemError>("make bridge br0: File exists"));
  EXPECT_THAT([&] { netlink.addAddress(1, "10.99.0.1"); },
              ThrowsMessage<HubError>(StartsWith("address \"10.99.0.1\" is not of the form")));
}

}  // namespace
}  // namespace harness
