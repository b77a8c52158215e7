// F23: the peer pretends to be an agent, or is one whose bytes are changed on the way.
//
// The harness must give a typed error by the call's deadline, and must not grow.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "tests_d/muster/robustness/component.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::ByteFault;
using muster::FaultProxy;
using muster::NodeError;
using std::chrono::steady_clock;

// Accepts connections on a port of loopback and calls `speak` on each.
class FakeAgent {
 public:
  explicit FakeAgent(std::function<void(int fd, const std::atomic<bool>& over)> speak)
      : speak_(std::move(speak)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, generic, size) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("no fake");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeAgent() {
    over_ = true;
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  FakeAgent(const FakeAgent&) = delete;
  FakeAgent& operator=(const FakeAgent&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  size_t served() const { return served_; }

 private:
  void serve() {
    while (!over_) {
      int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      // Neither reading nor writing may block for ever.
      timeval limit{0, 100'000};
      setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
      speak_(fd, over_);
      close(fd);
      ++served_;
    }
  }

  std::function<void(int, const std::atomic<bool>&)> speak_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> over_{false};
  std::atomic<size_t> served_{0};
  std::thread thread_;
};

void say(int fd, const std::string& bytes) {
  send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

std::string words(std::initializer_list<uint32_t> values) {
  std::string text;
  for (uint32_t value : values) text.append(reinterpret_cast<const char*>(&value), 4);
  return text;
}

using Over = const std::atomic<bool>&;
using Speech = std::pair<const char*, std::function<void(int, Over)>>;

std::vector<Speech> speeches() {
  auto drip = [](int fd, Over over) {
    for (int i = 0; i < 400 && !over; ++i) {
      say(fd, std::string(1, '\0'));
      letPass(1ms);
    }
  };
  auto flood = [](int fd, Over over) {
    auto until = steady_clock::now() + 400ms;
    while (!over && steady_clock::now() < until)
      say(fd, words({0, 1, 0, 0}) + std::string(8, '\0'));
  };
  auto echo = [](int fd, Over over) {
    char buffer[4096];
    for (int i = 0; i < 4 && !over; ++i) {
      ssize_t count = recv(fd, buffer, sizeof(buffer), 0);
      if (count > 0) say(fd, std::string(buffer, static_cast<size_t>(count)));
    }
  };
  return {{"what closes at once", [](int, Over) {}},
          {"silence", [](int, Over) { letPass(400ms); }},
          {"http", [](int fd, Over) { say(fd, "HTTP/1.1 400 Bad Request\r\n\r\n"); }},
          {"ssh", [](int fd, Over) { say(fd, "SSH-2.0-OpenSSH_9.2\r\n"); }},
          {"2^32 segments",
           [](int fd, Over) {
             say(fd, words({0xffffffff, 0xffffffff}));
           }},
          {"a frame of 16 GiB",
           [](int fd, Over) {
             say(fd, words({0, 0x7fffffff}));
             letPass(200ms);
           }},
          {"half a frame",
           [](int fd, Over) {
             say(fd, words({0, 4, 0, 0}));
             letPass(200ms);
           }},
          {"drip", drip},
          {"flood", flood},
          {"echo", echo}};
}

class HostileTest : public FaultTest {
 protected:
  // Expects that a call to `address` fails with a typed error, in time, and without growing memory.
  void expectRefusal(const std::string& what, const std::string& address) {
    StallMeter stall;
    size_t before = residentBytesOf(getpid());
    harness::Controller controller(controllerOptions);
    harness::NodeDescription description;
    description.name = "n1";
    description.route.endpoint =
        support::Endpoint::parse("tcp:127.0.0.1" + address.substr(address.rfind(':')));
    muster::Node fake = harness::ApiAccess::node(controller.connect(description));
    auto began = steady_clock::now();
    try {
      muster::DeadlineScope scope(200ms);
      fake.file("/etc/hostname").read();
      ADD_FAILURE() << what << " answered";
    } catch (const NodeError& error) {
      bool known = error.kind() == NodeError::Kind::kUnreachable ||
                   error.kind() == NodeError::Kind::kRefused;
      EXPECT_TRUE(known) << what << ": " << error.what();
    }
    EXPECT_LE(steady_clock::now() - began, 200ms + 250ms + stall.worst()) << "I5 " << what;
    controller.closeAll(steady_clock::now() + 1s);
    EXPECT_LE(residentBytesOf(getpid()), before + (64 << 20)) << what;
  }
};

TEST_F(HostileTest, FakeAgentIsRefusedInTime) {
  std::vector<Speech> kinds = speeches();
  for (const auto& [name, speak] : kinds) {
    FakeAgent fake(speak);
    expectRefusal(name, fake.address());
  }
  size_t noises = trials(8, 1);
  for (size_t i = 0; i < noises && !HasFailure(); ++i) {
    std::string noise(drawn(3000), '\0');
    for (char& byte : noise) byte = static_cast<char>(random_());
    // Half of the answers begin as a frame does.
    if (i % 2) noise = words({0, static_cast<uint32_t>(drawn(300))}) + noise;
    FakeAgent fake([&noise](int fd, Over) {
      say(fd, noise);
      letPass(20ms);
    });
    expectRefusal("noise " + std::to_string(i), fake.address());
  }
  std::printf("F23 %zu fakes, %zu of them noise\n", kinds.size() + noises, noises);
}

// Without TLS nothing protects the bytes, so an answer may be wrong. It must not be endless, and
// must not end this process.
TEST_F(HostileTest, ControllerSurvivesFlippedBits) {
  startAgent();
  FaultProxy proxy({.target = "127.0.0.1:" + std::to_string(agent().frontPort()),
                    .seed = seed(),
                    .script = [](uint64_t) -> muster::ProxyFaults {
                      ByteFault flip{ByteFault::Kind::kFlipBit, 0, 6000};
                      return {.toClient = {.at = {flip, flip, flip}}};
                    }});
  // The fixture needs a connection of its own, which avoids the proxy.
  connect();
  size_t times = trials(30, 1), failed = 0;
  for (size_t i = 0; i < times && !HasFailure(); ++i) {
    StallMeter stall;
    harness::Controller controller(controllerOptions);
    harness::NodeDescription description;
    description.name = "n1";
    description.route.endpoint =
        support::Endpoint::parse("tcp:127.0.0.1:" + std::to_string(proxy.port()));
    muster::Node target = harness::ApiAccess::node(controller.connect(description));
    auto began = steady_clock::now();
    try {
      muster::DeadlineScope scope(500ms);
      target.run(streamArgv(tag_ + ".flip" + std::to_string(i), 60, 0), tagged());
    } catch (const NodeError&) {
      ++failed;
    }
    // The harness asks for a command's outcome until its grace and a margin have passed as well.
    EXPECT_LE(steady_clock::now() - began, 500ms + 2s + 5s + 250ms + stall.worst()) << "I5";
    controller.closeAll(steady_clock::now() + 2s);
  }
  std::printf("F23 %zu connections with flipped bits: %llu flips, %zu calls failed\n", times,
              static_cast<unsigned long long>(proxy.counters().faults), failed);
  EXPECT_GT(proxy.counters().faults, times / 2) << "void";
}

}  // namespace
}  // namespace robustness
