// What a node sends becomes slow, and fast again.
#include <chrono>

#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class DegradedTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  Node& a() { return servers()[0]; }
  Node& b() { return servers()[1]; }

  // Returns how long it takes `a` to send a megabyte to `b`.
  std::chrono::nanoseconds sendingTime() {
    std::string hear =
        "import socket\ns = socket.create_server(('', 4900))\nprint('ready', "
        "flush=True)\nc, _ = s.accept()\nn = 0\nwhile True:\n d = c.recv(65536)\n "
        "if not d: break\n n += len(d)\nprint(n)";
    Process listener = b().start({"/usr/bin/python3", "-c", hear});
    listener.readUntil("ready", 10s);
    auto begin = std::chrono::steady_clock::now();
    std::string send = "import socket\nc = socket.create_connection(('" + b().address() +
                       "', 4900))\nc.sendall(b'x' * 1000000)\nc.close()";
    EXPECT_THAT(a().run({"/usr/bin/python3", "-c", send}), Succeeded());
    EXPECT_THAT(listener.wait(60s), Prints("1000000"));
    return std::chrono::steady_clock::now() - begin;
  }
  std::string qdiscs() { return a().output({"tc", "qdisc", "show", "dev", "eth0"}); }
};

// A megabyte at 4 Mbit/s takes two seconds.
TEST_F(DegradedTest, RateIsKeptAndGivenBack) {
  std::string before = qdiscs();
  {
    Fault slow = cluster().degrade(a(), {.bitsPerSecond = 4'000'000});
    EXPECT_THAT(qdiscs(), HasSubstr("tbf 6d75:"));
    EXPECT_GT(sendingTime(), 1500ms);
    EXPECT_THAT([&] { Fault again = cluster().degrade(a(), {.bitsPerSecond = 8'000'000}); },
                FailsWith(NodeError::Kind::kConflict, HasSubstr("of another fault")));
  }
  EXPECT_EQ(qdiscs(), before);
  EXPECT_LT(sendingTime(), 1500ms);
}

TEST_F(DegradedTest, QueueingDisciplineOfSomebodyElseStays) {
  ASSERT_THAT(a().run({"tc", "qdisc", "add", "dev", "eth0", "root", "handle", "1:", "htb"}),
              Succeeded());
  EXPECT_THAT([&] { Fault slow = cluster().degrade(a(), {.bitsPerSecond = 4'000'000}); },
              FailsWith(NodeError::Kind::kConflict, HasSubstr("htb 1: already, which is not")));
  EXPECT_THAT(qdiscs(), HasSubstr("htb 1:"));
  EXPECT_THAT(a().run({"tc", "qdisc", "del", "dev", "eth0", "root"}), Succeeded());
}

TEST_F(DegradedTest, SuccessorOfAKilledKeeperGivesTheRateBack) {
  Fault slow = cluster().degrade(a(), {.bitsPerSecond = 4'000'000});
  uint32_t before = a().state().reconnects;
  a().run({"pkill", "-KILL", "-f", "--", "nodeagent"});
  EXPECT_THAT([&] { return a().state().reconnects; }, Eventually(testing::Gt(before), 20s, 20ms));
  EXPECT_THAT([&] { return qdiscs(); }, Eventually(Not(HasSubstr("6d75")), 5s));
  EXPECT_THAT([&] { slow.heal(); }, FailsWith(NodeError::Kind::kLost));
}

// By netem, or by a relay on a kernel without it.
TEST_F(DegradedTest, DelayIsKept) {
  Fault late = cluster().degrade(a(), {.delay = 200ms});
  auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(faults::pings(b(), a()));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 200ms);
}

TEST_F(DegradedTest, WrongValuesAreRefused) {
  for (const Degradation& wrong : {Degradation{}, Degradation{.bitsPerSecond = 1},
                                   Degradation{.jitter = 1ms}, Degradation{.corrupt = 2}}) {
    EXPECT_THAT([&] { Fault fault = cluster().degrade(a(), wrong); },
                FailsWith(NodeError::Kind::kInvalid));
  }
}

}  // namespace
