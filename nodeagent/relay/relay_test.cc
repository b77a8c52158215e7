// Relays frames of a network namespace of the test's own. Needs root; skipped otherwise.
#include "nodeagent/relay/relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include <gmock/gmock.h>
#include <kj/io.h>

#include "nodeagent/os/command.h"
#include "nodeagent/os/look_until.h"
#include "nodeagent/relay/link.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::relay {
namespace {

using ::testing::HasSubstr;
using Kind = wire::Error::Kind;
using State = RelayStatus::State;

constexpr int64_t kLimitNs = 20'000'000'000;
constexpr int kArrivesMs = 10'000;

// A relay on one end of a pair of interfaces, and an ear at the other.
class RelayProcessTest : public ::testing::Test {
 protected:
  ~RelayProcessTest() noexcept override {}
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    before_ = kj::AutoCloseFd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    shell(
        "ip link add mure0 mtu 9000 type veth peer name mure1 mtu 9000 && ip link set mure0 "
        "addrgenmode none && ip link set mure1 addrgenmode none && ip link set mure0 up && ip "
        "link set mure1 up");
    page_ = kj::AutoCloseFd(::memfd_create("muster-relay", MFD_CLOEXEC));
    ASSERT_EQ(::ftruncate(page_, kStatusBytes), 0);
  }
  void TearDown() override {
    if (before_.get() < 0) return;
    if (child_ > 0) ::kill(child_, SIGKILL);
    if (child_ > 0) ::waitpid(child_, nullptr, 0);
    EXPECT_EQ(::setns(before_, CLONE_NEWNET), 0);
  }

  static std::string shell(const std::string& script) {
    CommandOutput output;
    auto result = runCommand(kj::arr(kj::str("sh"), kj::str("-c"), kj::str(script.c_str())),
                             kLimitNs, output);
    std::string text(result.output.asChars().begin(), result.output.size());
    EXPECT_TRUE(result.succeeded()) << script << ": " << text;
    return text;
  }

  // Starts a relay of an interface and returns what it says when it serves or has failed.
  RelayStatus relay(const std::string& interface, const Shape& shape) {
    RelaySpec spec{interface, ::if_nametoindex(interface.c_str()), shape, {7400}, ::getpid()};
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[0], STDIN_FILENO);
      ::dup2(page_, STDERR_FILENO);
      ::_exit(runRelay(relayWords(spec)));
    }
    ::close(ends[0]);
    EXPECT_EQ(::write(ends[1], "", 1), 1);
    ::close(ends[1]);
    return await([](const RelayStatus& now) {
      return now.state == State::kServing || now.state == State::kFailed;
    });
  }
  template <typename IsDone>
  RelayStatus await(IsDone&& isDone) {
    RelayStatus status;
    EXPECT_TRUE(lookUntil(kLimitNs, [&]() { return readStatus(page_, status) && isDone(status); }));
    return status;
  }
  RelayStatus end() {
    ::kill(child_, SIGTERM);
    auto hasEnded = [this]() { return ::waitpid(child_, nullptr, WNOHANG) == child_; };
    EXPECT_TRUE(lookUntil(kLimitNs, hasEnded));
    child_ = -1;
    return await([](const RelayStatus& now) { return now.state == State::kOver; });
  }

  // Hears all that comes to an interface.
  static kj::AutoCloseFd ear(const std::string& interface) {
    kj::AutoCloseFd file(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
    struct sockaddr_ll at {};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_ALL);
    at.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
    EXPECT_EQ(::bind(file, reinterpret_cast<struct sockaddr*>(&at), sizeof at), 0);
    return file;
  }
  static std::vector<uint8_t> hear(int file) {
    struct pollfd wait = {file, POLLIN, 0};
    std::vector<uint8_t> frame(10'000);
    if (::poll(&wait, 1, kArrivesMs) <= 0) return {};
    frame.resize(static_cast<size_t>(std::max<ssize_t>(::read(file, frame.data(), 10'000), 0)));
    return frame;
  }
  // Sends a frame of this type and size as a program would.
  static std::vector<uint8_t> send(uint16_t type, size_t bytes) {
    std::vector<uint8_t> frame(bytes, 0x45);
    frame[12] = static_cast<uint8_t>(type >> 8);
    frame[13] = static_cast<uint8_t>(type);
    FrameSocket socket(::if_nametoindex("mure0"), 0);
    EXPECT_TRUE(socket.send(kj::arrayPtr(frame.data(), frame.size())));
    return frame;
  }

  kj::AutoCloseFd before_;
  kj::AutoCloseFd page_;
  pid_t child_ = -1;
};

TEST_F(RelayProcessTest, LargeFrameArrivesWholeAndLate) {
  ASSERT_EQ(relay("mure0", {.delayNs = 200'000'000}).state, State::kServing);
  kj::AutoCloseFd ear = RelayProcessTest::ear("mure1");
  auto since = std::chrono::steady_clock::now();
  auto frame = send(ETH_P_IP, 9014);
  EXPECT_EQ(hear(ear), frame);
  EXPECT_GE(std::chrono::steady_clock::now() - since, std::chrono::milliseconds(200));
  RelayStatus last = end();
  EXPECT_EQ(last.taken, 1u);
  EXPECT_EQ(last.delayed, 1u);
  EXPECT_EQ(shell("nft list ruleset; ip -o link | grep muster-; true"), "");
}

TEST_F(RelayProcessTest, FrameOfAnotherProtocolPassesByIt) {
  ASSERT_EQ(relay("mure0", {.delayNs = 200'000'000}).state, State::kServing);
  kj::AutoCloseFd ear = RelayProcessTest::ear("mure1");
  send(ETH_P_IP, 100);
  auto second = send(ETH_P_ARP, 60);
  EXPECT_EQ(hear(ear), second);
  EXPECT_EQ(hear(ear).size(), 100u);
}

TEST_F(RelayProcessTest, HeldFramesAreSentAtTheEnd) {
  ASSERT_EQ(relay("mure0", {.delayNs = 60'000'000'000}).state, State::kServing);
  kj::AutoCloseFd ear = RelayProcessTest::ear("mure1");
  auto frame = send(ETH_P_IP, 100);
  await([](const RelayStatus& now) { return now.taken == 1; });
  end();
  EXPECT_EQ(hear(ear), frame);
}

TEST_F(RelayProcessTest, InterfaceThatIsDeletedDoesNotEndIt) {
  ASSERT_EQ(relay("mure0", {.delayNs = 50'000'000}).state, State::kServing);
  send(ETH_P_IP, 100);
  await([](const RelayStatus& now) { return now.taken == 1; });
  shell("ip link del mure0");
  EXPECT_EQ(end().refused, 1u);
  EXPECT_EQ(shell("nft list ruleset; ip -o link | grep muster-; true"), "");
}

TEST_F(RelayProcessTest, InterfaceThatCannotBeRelayedIsNamed) {
  RelayStatus none = relay("nope0", {});
  EXPECT_EQ(none.failureKind, static_cast<uint64_t>(Kind::NOT_FOUND));
  EXPECT_THAT(none.failureText, HasSubstr("no interface nope0"));
  ASSERT_EQ(::waitpid(child_, nullptr, 0), child_);
  ASSERT_EQ(::ftruncate(page_, 0), 0);
  ASSERT_EQ(::ftruncate(page_, kStatusBytes), 0);
  RelayStatus other = relay("lo", {});
  EXPECT_EQ(other.failureKind, static_cast<uint64_t>(Kind::UNSUPPORTED));
  EXPECT_THAT(other.failureText, HasSubstr("lo is not of Ethernet"));
}

}  // namespace
}  // namespace nodeagent::relay
