// Each fault happens to real sockets, as the peers see it and as the proxy counts it.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/fault_proxy.h>

#include "harness/faultproxy/socket.h"

namespace muster {
namespace {

using namespace std::chrono_literals;
using harness::Fd;
using ::testing::Each;
using ::testing::Field;
using ::testing::SizeIs;
using ::testing::StartsWith;

using Clock = std::chrono::steady_clock;
// A bound for events that should happen at once.
constexpr auto kSoon = 5s;
// The time for which nothing may arrive. Silence has no end that a test could wait for.
constexpr auto kSilence = 150ms;

enum class Seen { kBytes, kEnd, kReset, kNothing };

// A peer whose calls block for a bounded time.
struct Peer {
  Fd socket;

  bool ready(short events, Clock::duration within) const {
    pollfd wait{socket.get(), events, 0};
    return poll(&wait, 1, static_cast<int>(within / 1ms)) == 1;
  }

  size_t send(const std::string& bytes) const {
    size_t sent = 0;
    while (sent < bytes.size() && ready(POLLOUT, kSoon)) {
      ssize_t count = ::send(socket.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) break;
      sent += static_cast<size_t>(count);
    }
    return sent;
  }

  // Reads until `bytesMax` bytes were read or something else happens, and returns that.
  Seen read(std::string& into, size_t bytesMax, Clock::duration within) const {
    Clock::time_point until = Clock::now() + within;
    char buffer[4096];
    while (into.size() < bytesMax) {
      auto left = until - Clock::now();
      if (left <= 0ns || !ready(POLLIN, left)) return Seen::kNothing;
      size_t room = std::min(sizeof(buffer), bytesMax - into.size());
      ssize_t count = recv(socket.get(), buffer, room, 0);
      if (count == 0) return Seen::kEnd;
      if (count < 0) return errno == ECONNRESET ? Seen::kReset : Seen::kNothing;
      into.append(buffer, static_cast<size_t>(count));
    }
    return Seen::kBytes;
  }
  Seen rest(std::string& into) const { return read(into, SIZE_MAX, kSoon); }
};

Peer connectTo(const std::string& address) {
  Peer peer{harness::beginConnect(harness::addressFromText(address))};
  if (peer.socket && peer.ready(POLLOUT, kSoon) && harness::connectError(peer.socket.get()) == 0) {
    return peer;
  }
  return {};
}

// A server that echoes every connection, and records the bytes and the end of each.
class Echo {
 public:
  explicit Echo(const std::string& where = "127.0.0.1:0")
      : address_(harness::addressFromText(where)) {
    listener_ = harness::listenOn(address_);
    thread_ = std::thread([this] { run(); });
  }
  ~Echo() {
    stopping_ = true;
    thread_.join();
  }

  std::string address() const { return harness::textOf(address_); }
  std::string heard() const {
    std::lock_guard lock(mutex_);
    return heard_;
  }
  bool awaitEnd(Seen end) const {
    Clock::time_point until = Clock::now() + kSoon;
    while (Clock::now() < until) {
      if (lastEnd_ == end) return true;
      std::this_thread::yield();
    }
    return false;
  }

 private:
  void run() {
    std::vector<Peer> peers;
    while (!stopping_) {
      std::vector<pollfd> waits = {{listener_.get(), POLLIN, 0}};
      for (Peer& peer : peers) waits.push_back({peer.socket.get(), POLLIN, 0});
      if (poll(waits.data(), waits.size(), 10) <= 0) continue;
      for (size_t i = peers.size(); i-- > 0;) {
        if (waits[i + 1].revents && !echo(peers[i])) peers.erase(peers.begin() + i);
      }
      int fd = waits[0].revents ? accept(listener_.get(), nullptr, nullptr) : -1;
      if (fd >= 0) peers.push_back({Fd(fd)});
    }
  }

  bool echo(Peer& peer) {
    char buffer[65536];
    ssize_t count = recv(peer.socket.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return true;
    if (count <= 0) {
      lastEnd_ = count == 0 ? Seen::kEnd : Seen::kReset;
      return false;
    }
    std::string bytes(buffer, static_cast<size_t>(count));
    {
      std::lock_guard lock(mutex_);
      heard_ += bytes;
    }
    peer.send(bytes);
    return true;
  }

  support::Endpoint address_;
  Fd listener_;
  mutable std::mutex mutex_;
  std::string heard_;
  std::atomic<Seen> lastEnd_{Seen::kNothing};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

std::string pattern(size_t bytes) {
  std::string text;
  for (uint64_t i = 0; text.size() < bytes; ++i) text += std::to_string(i) + "\n";
  text.resize(bytes);
  return text;
}

class FaultProxyTest : public ::testing::Test {
 protected:
  FaultProxy& start(ProxyFaults faults = {}) {
    proxy_.emplace(FaultProxyOptions{.target = echo_.address(), .seed = 11, .faults = faults});
    return *proxy_;
  }

  Peer client() { return connectTo(proxy_->address()); }

  // Sends `bytes`, collects the answer in `back`, and returns how the connection ended.
  Seen exchange(const std::string& bytes, std::string& back, size_t backBytes) {
    Peer peer = client();
    peer.send(bytes);
    return peer.read(back, backBytes, kSoon);
  }

  Echo echo_;
  std::optional<FaultProxy> proxy_;
};

TEST_F(FaultProxyTest, PassesBytesBothWaysAndTheEnd) {
  start();
  std::string text = pattern(1'000'000), back;
  Peer peer = client();
  std::thread sender([&] {
    peer.send(text);
    shutdown(peer.socket.get(), SHUT_WR);
  });
  EXPECT_EQ(peer.rest(back), Seen::kEnd);
  sender.join();
  EXPECT_EQ(back, text);
  EXPECT_TRUE(echo_.awaitEnd(Seen::kEnd));
  EXPECT_TRUE(proxy_->await([](auto& counters) { return counters.open == 0; }, kSoon));
  EXPECT_EQ(proxy_->counters().bytesToTarget, text.size());
  EXPECT_EQ(proxy_->counters().bytesToClient, text.size());
  EXPECT_EQ(proxy_->counters().faults, 0u);
}

TEST_F(FaultProxyTest, UnixSocketsWorkOnBothSides) {
  std::string directory = ::testing::TempDir() + "/faultproxy." + std::to_string(getpid());
  std::filesystem::create_directory(directory);
  {
    Echo echo("unix:" + directory + "/echo");
    FaultProxy proxy({.target = echo.address(), .listen = "unix:" + directory + "/proxy"});
    Peer peer = connectTo(proxy.address());
    peer.send("hello");
    std::string back;
    EXPECT_EQ(peer.read(back, 5, kSoon), Seen::kBytes);
    EXPECT_EQ(back, "hello");
    proxy.resetAll();
    EXPECT_NE(peer.rest(back), Seen::kNothing);
    EXPECT_EQ(proxy.port(), 0);
  }
  EXPECT_FALSE(std::filesystem::exists(directory + "/proxy"));
  std::filesystem::remove_all(directory);
}

TEST_F(FaultProxyTest, DelayIsAddedEachWay) {
  start({.toTarget = {.delay = 40ms}, .toClient = {.delay = 30ms}});
  std::string back;
  auto before = Clock::now();
  EXPECT_EQ(exchange("ping", back, 4), Seen::kBytes);
  EXPECT_GE(Clock::now() - before, 70ms);
}

TEST_F(FaultProxyTest, RateSlowsDown) {
  start({.toClient = {.bytesPerSecond = 20'000}});
  std::string back;
  auto before = Clock::now();
  EXPECT_EQ(exchange(pattern(4000), back, 4000), Seen::kBytes);
  EXPECT_GE(Clock::now() - before, 190ms);
  EXPECT_EQ(back, pattern(4000));
}

TEST_F(FaultProxyTest, PiecesAreWrittenOneByOne) {
  start({.toTarget = {.pieceBytesMax = 1}});
  std::string back;
  EXPECT_EQ(exchange(pattern(500), back, 500), Seen::kBytes);
  EXPECT_EQ(back, pattern(500));
  EXPECT_GE(proxy_->counters().writes, 500u);
}

TEST_F(FaultProxyTest, CutEndsBothSidesInOrderAtTheByte) {
  start({.toTarget = {.at = {{ByteFault::Kind::kCut, 100}}}});
  Peer peer = client();
  peer.send(pattern(300));
  std::string back;
  EXPECT_EQ(peer.rest(back), Seen::kEnd);
  EXPECT_TRUE(echo_.awaitEnd(Seen::kEnd));
  EXPECT_EQ(echo_.heard(), pattern(100));
  EXPECT_EQ(proxy_->counters().faults, 1u);
}

TEST_F(FaultProxyTest, ResetReachesBothSidesAtTheByte) {
  start({.toClient = {.at = {{ByteFault::Kind::kReset, 100}}}});
  Peer peer = client();
  peer.send(pattern(300));
  std::string back;
  EXPECT_EQ(peer.rest(back), Seen::kReset);
  EXPECT_TRUE(echo_.awaitEnd(Seen::kReset));
  EXPECT_EQ(proxy_->counters().bytesToClient, 100u);
  EXPECT_THAT(proxy_->decisions(), ::testing::ElementsAre(FaultDecision{
                                       1, ProxyFlow::kToClient, ByteFault::Kind::kReset, 100}));
}

TEST_F(FaultProxyTest, ResetAllHitsNow) {
  start();
  Peer peer = client();
  peer.send("x");
  std::string back;
  ASSERT_EQ(peer.read(back, 1, kSoon), Seen::kBytes);
  proxy_->resetAll();
  EXPECT_EQ(peer.rest(back), Seen::kReset);
  EXPECT_TRUE(echo_.awaitEnd(Seen::kReset));
  EXPECT_EQ(exchange("again", back, 6), Seen::kBytes) << "a new connection works";
}

TEST_F(FaultProxyTest, CutAllEndsInOrderNow) {
  start();
  Peer peer = client();
  peer.send("x");
  std::string back;
  ASSERT_EQ(peer.read(back, 1, kSoon), Seen::kBytes);
  proxy_->cutAll();
  EXPECT_EQ(peer.rest(back), Seen::kEnd);
  EXPECT_TRUE(echo_.awaitEnd(Seen::kEnd));
}

TEST_F(FaultProxyTest, BlackholeToClientHoldsAnswersUntilHealed) {
  start();
  Peer peer = client();
  proxy_->blackhole(ProxyFlow::kToClient);
  peer.send("hello");
  std::string back;
  EXPECT_EQ(peer.read(back, 1, kSilence), Seen::kNothing);
  EXPECT_EQ(echo_.heard(), "hello") << "the other way is open";
  proxy_->heal();
  EXPECT_EQ(peer.read(back, 5, kSoon), Seen::kBytes);
  EXPECT_EQ(back, "hello");
}

// A network that swallows bytes also swallows the packet that ends a connection.
TEST_F(FaultProxyTest, BlackholeHidesTheEndOfTheClientToo) {
  start();
  {
    Peer peer = client();
    peer.send("a");
    std::string back;
    ASSERT_EQ(peer.read(back, 1, kSoon), Seen::kBytes);
    proxy_->blackhole(ProxyFlow::kBoth);
    peer.send("b");
  }
  EXPECT_FALSE(proxy_->await([](auto& counters) { return counters.open == 0; }, kSilence));
  EXPECT_EQ(echo_.heard(), "a");
  proxy_->heal();
  EXPECT_TRUE(echo_.awaitEnd(Seen::kEnd));
  EXPECT_EQ(echo_.heard(), "ab");
}

TEST_F(FaultProxyTest, SenderIntoABlackholeBlocksInsteadOfFillingMemory) {
  start({.toTarget = {.blackhole = true}});
  Peer peer = client();
  std::string chunk(1 << 20, 'x');
  size_t sent = 0;
  while (sent < 256 * chunk.size() && peer.ready(POLLOUT, kSilence)) {
    ssize_t count = ::send(peer.socket.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL);
    ASSERT_GT(count, 0);
    sent += static_cast<size_t>(count);
  }
  // The bytes are in our buffer and in those of the kernel for two sockets.
  EXPECT_LT(sent, 64 * chunk.size());
}

TEST_F(FaultProxyTest, HalfCloseEndsOneDirectionOnly) {
  start({.toTarget = {.at = {{ByteFault::Kind::kHalfClose, 5}}}});
  Peer peer = client();
  peer.send("hello, world");
  EXPECT_TRUE(echo_.awaitEnd(Seen::kEnd));
  EXPECT_EQ(echo_.heard(), "hello");
  std::string back;
  EXPECT_EQ(peer.rest(back), Seen::kEnd);
  EXPECT_EQ(back, "hello") << "answers still came";
  EXPECT_TRUE(proxy_->await([](auto& counters) { return counters.swallowedBytes == 7; }, kSoon));
}

TEST_F(FaultProxyTest, HalfCloseAllLetsTheOtherDirectionGoOn) {
  start();
  Peer peer = client();
  peer.send("x");
  std::string back;
  ASSERT_EQ(peer.read(back, 1, kSoon), Seen::kBytes);
  proxy_->halfCloseAll(ProxyFlow::kToClient);
  EXPECT_EQ(peer.rest(back), Seen::kEnd);
  peer.send("yz");
  EXPECT_TRUE(proxy_->await([](auto& counters) { return counters.bytesToTarget == 3; }, kSoon));
}

TEST_F(FaultProxyTest, FlippedBitArrives) {
  start({.toTarget = {.at = {{ByteFault::Kind::kFlipBit, 2}}}});
  std::string text = pattern(50), back;
  EXPECT_EQ(exchange(text, back, 50), Seen::kBytes);
  auto decisions = proxy_->decisions();
  ASSERT_THAT(decisions, SizeIs(1));
  text[2] = static_cast<char>(text[2] ^ (1 << decisions[0].bit));
  EXPECT_EQ(back, text);
  EXPECT_THAT(toString(decisions[0]), StartsWith("connection 1 to target: flip of bit "));
}

TEST_F(FaultProxyTest, RefusedConnectionsFailAndTheAddressStays) {
  start();
  std::string address = proxy_->address();
  proxy_->stopListening();
  EXPECT_FALSE(client().socket);
  proxy_->listenAgain();
  EXPECT_EQ(proxy_->address(), address);
  std::string back;
  EXPECT_EQ(exchange("hi", back, 2), Seen::kBytes);
}

TEST_F(FaultProxyTest, UnreachableTargetResetsTheClient) {
  start();
  proxy_->setTarget("unix:/nonexistent/socket");
  std::string back;
  // client() is no use here, because the reset may come before it checks the connect.
  Peer peer{harness::beginConnect(harness::addressFromText(proxy_->address()))};
  EXPECT_EQ(peer.rest(back), Seen::kReset);
  EXPECT_EQ(proxy_->counters().unreachable, 1u);
  proxy_->setTarget(echo_.address());
  EXPECT_EQ(exchange("hi", back, 2), Seen::kBytes);
}

// A failure that a fault caused can be repeated by its seed.
TEST_F(FaultProxyTest, SameSeedAndTrafficMeetTheSameFaults) {
  auto decisionsWith = [&](uint64_t seed) {
    FaultProxy proxy(
        {.target = echo_.address(), .seed = seed, .script = [](uint64_t connection) -> ProxyFaults {
           ByteFault flip{ByteFault::Kind::kFlipBit, 0, 50};
           ByteFault reset{ByteFault::Kind::kReset, 60, 200};
           if (connection % 2) return {.toTarget = {.at = {flip, reset}}};
           return {.toClient = {.at = {flip, reset}}};
         }});
    for (int i = 0; i < 10; ++i) {
      Peer peer = connectTo(proxy.address());
      peer.send(pattern(300));
      std::string back;
      EXPECT_EQ(peer.rest(back), Seen::kReset);
    }
    return proxy.decisions();
  };
  auto decisions = decisionsWith(5);
  EXPECT_THAT(decisions, SizeIs(20));
  EXPECT_EQ(decisions, decisionsWith(5));
  EXPECT_NE(decisions, decisionsWith(6));
}

TEST_F(FaultProxyTest, RandomSeedIsPrintedAndAGivenOneIsNot) {
  ::testing::internal::CaptureStderr();
  uint64_t seed = FaultProxy({.target = echo_.address()}).seed();
  EXPECT_EQ(FaultProxy({.target = echo_.address(), .seed = 3}).seed(), 3u);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              ::testing::EndsWith(": seed " + std::to_string(seed) + "\n"));
}

TEST_F(FaultProxyTest, ManyConnectionsAreServedAndLeaveNoDescriptor) {
  auto descriptors = [] {
    std::filesystem::directory_iterator begin("/proc/self/fd"), end;
    return std::distance(begin, end);
  };
  start();
  auto before = descriptors();
  for (int i = 0; i < 100; ++i) {
    std::string back;
    ASSERT_EQ(exchange(std::to_string(i), back, std::to_string(i).size()), Seen::kBytes);
  }
  EXPECT_TRUE(proxy_->await([](auto& counters) { return counters.open == 0; }, kSoon));
  EXPECT_TRUE(echo_.awaitEnd(Seen::kEnd));
  EXPECT_LE(descriptors(), before + 1) << "the peer may still be closing its last one";
  EXPECT_EQ(proxy_->counters().accepted, 100u);
}

TEST(FaultProxyAddressTest, UnusableAddressesAreRefused) {
  for (const char* address : {"", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                              "127.0.0.1:8x", "unix:", "[::1:80"}) {
    EXPECT_THROW(FaultProxy({.target = address}), std::invalid_argument) << address;
  }
  EXPECT_THROW(FaultProxy({.target = "127.0.0.1:1", .listen = "0.0.0.0:0"}), std::invalid_argument);
}

}  // namespace
}  // namespace muster
