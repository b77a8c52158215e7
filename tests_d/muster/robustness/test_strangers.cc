// Many unauthenticated connections come at once, while a controller works.
//
// The controller must go on, and memory must stay bounded. MUSTER_FAULT_SECONDS=60 makes it longer.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <thread>

#include "tests_d/muster/robustness/component.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::Outcome;
using std::chrono::steady_clock;
using Part = Agent::Part;

constexpr size_t kResidentBytesMax = 128 << 20;

// Connects to the front from one of many addresses of this machine. Returns the socket, or -1 if
// that failed.
int strangerFrom(unsigned source, uint16_t port) {
  int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return -1;
  sockaddr_in from{}, to{};
  from.sin_family = to.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(0x7f010000u + source % 60000 + 1);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(port);
  bool begun =
      bind(socket, reinterpret_cast<sockaddr*>(&from), sizeof from) == 0 &&
      (::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 || errno == EINPROGRESS);
  if (begun) return socket;
  close(socket);
  return -1;
}

class StrangerLoadTest : public FaultTest {
 protected:
  void SetUp() override {
    FaultTest::SetUp();
    if (IsSkipped()) return;
    startAgent();
    overNetwork();
  }

  // Connects by TCP, as the strangers do.
  void overNetwork() { connect("127.0.0.1:" + std::to_string(agent().frontPort())); }

  void expectAnswers() {
    EXPECT_EQ(node().run({"true"}, tagged()).outcome, Outcome::exited(0));
    ++commands_;
  }
  // Expects that the controller works, and that a new one gets in.
  void expectWell() {
    disconnect();
    overNetwork();
    expectAnswers();
    for (Part part : {Part::kFront, Part::kKeeper}) {
      EXPECT_TRUE(agent().alive(part)) << agent().end();
      EXPECT_LT(residentBytesMaxOf(agent().pid(part)), kResidentBytesMax);
    }
  }
  static std::chrono::nanoseconds length() {
    const char* given = std::getenv("MUSTER_FAULT_SECONDS");
    return std::chrono::seconds(given ? std::atoi(given) : 2);
  }

  size_t commands_ = 0;
};

// Strangers that come and go quickly load the front's accepting.
TEST_F(StrangerLoadTest, AThousandConnectionsASecondKeepNobodyOut) {
  std::atomic<bool> enough = false;
  std::atomic<unsigned> made = 0;
  std::thread flood([this, &enough, &made, port = agent().frontPort()] {
    std::deque<int> open;
    auto next = steady_clock::now();
    while (!enough) {
      int socket = strangerFrom(made, port);
      if (socket >= 0) open.push_back(socket), ++made;
      if (open.size() > 64) close(open.front()), open.pop_front();
      next += 1ms;
      if (next > steady_clock::now()) letPass(next - steady_clock::now());
    }
    for (int socket : open) close(socket);
  });
  for (auto end = steady_clock::now() + length(); steady_clock::now() < end;) expectAnswers();
  enough = true;
  flood.join();
  expectWell();
  EXPECT_GT(made.load(), 100u) << "hardly anybody came: nothing was tried";
  std::printf("%u connections in %s beside %zu commands; front %zu KiB at most\n", made.load(),
              toText(length()).c_str(), commands_,
              residentBytesMaxOf(agent().pid(Part::kFront)) >> 10);
}

// Strangers that stay occupy the front's slots. Each sends a byte at first and one more in each
// round, so that it never looks idle.
TEST_F(StrangerLoadTest, FiveThousandSlowConnectionsKeepNobodyOut) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  rlimit more{std::max<rlim_t>(limit.rlim_cur, 6000), std::max<rlim_t>(limit.rlim_max, 6000)};
  if (setrlimit(RLIMIT_NOFILE, &more) != 0) GTEST_SKIP() << "no 6000 descriptors are allowed here";
  std::vector<int> sockets;
  for (unsigned i = 0; i < 5000; ++i) {
    int socket = strangerFrom(i, agent().frontPort());
    if (socket >= 0) sockets.push_back(socket);
    if (i % 500 == 0) expectAnswers();
  }
  EXPECT_EQ(sockets.size(), 5000u);
  for (int round = 0; round < 3; ++round) {
    for (int socket : sockets) send(socket, "\0", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    expectAnswers();
  }
  expectAnswers();
  EXPECT_LT(residentBytesMaxOf(agent().pid(Part::kFront)), kResidentBytesMax);
  for (int socket : sockets) close(socket);
  expectWell();
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace robustness
