// On a kernel without netem a relay holds back, doubles and damages what a node sends, and leaves
// nothing behind, whatever is killed.
#include <algorithm>
#include <chrono>
#include <sstream>

#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The node's own tc, which knows no netem.
constexpr const char* kTcWithoutNetem =
    "#!/bin/sh\ncase \"$*\" in *netem*) echo 'Error: Specified qdisc kind is unknown.'; exit 2;; "
    "esac\nexec /usr/sbin/tc \"$@\"\n";

class RelayTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  Node& a() { return servers()[0]; }
  Node& b() { return servers()[1]; }

  void SetUp() override {
    a().file("/usr/local/sbin/tc").write(kTcWithoutNetem, {.mode = 0755});
    EXPECT_THAT([&] { return everything(); }, Eventually(Not(HasSubstr("tentative")), 10s));
    before_ = everything();
  }
  void TearDown() override {
    EXPECT_EQ(everything(), before_);
    a().run({"rm", "-f", "/usr/local/sbin/tc"});
  }

  // Returns what a fault may have changed of the network of `a`, and the processes that serve it.
  std::string everything() {
    return a().output({"sh", "-c",
                       "nft list ruleset; ip rule; ip -6 rule; ip route show table all; "
                       "ip -6 route show table all; ip -o addr; ip link; tc qdisc; ls -A / /root; "
                       "ps -e -o args | grep -e '[-]-relay' -e '[n]ft -i'; true"});
  }
  std::string ruleset() { return a().output({"nft", "list", "ruleset"}); }

  // Returns the shortest time in ms in which `b` answers at an address, and -1 if it does not.
  double answerMs(const std::string& address, const std::string& bytes = "56") {
    std::string text =
        a().run({"ping", "-q", "-n", "-c", "3", "-i", "0.2", "-W", "5", "-s", bytes, address}).out;
    size_t at = text.find("mdev = ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + 7));
  }
  double answerMs() { return answerMs(b().address()); }

  // Sends 500 numbered datagrams from `a`, and returns how many of them `b` got, how many with
  // copies, and how many after one that was sent later.
  struct Heard {
    int distinct = 0;
    int all = 0;
    int late = 0;
  };
  Heard sendDatagrams() {
    std::string hear =
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE\n"
        "s.bind(('', 4901))\nprint('ready', flush=True)\ns.settimeout(3)\nl = []\ntry:\n while "
        "True: l.append(int(s.recv(2000)))\nexcept TimeoutError: pass\n"
        "print(len(set(l)), len(l), sum(x < max(l[:i]) for i, x in enumerate(l) if i))";
    Process listener = b().start({"/usr/bin/python3", "-c", hear});
    listener.readUntil("ready", 10s);
    std::string send =
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "for i in range(500): s.sendto(b'%0500d' % i, ('" +
        b().address() + "', 4901))";
    EXPECT_THAT(a().run({"/usr/bin/python3", "-c", send}), Succeeded());
    std::istringstream words(listener.wait(30s).out.substr(6));
    Heard heard;
    words >> heard.distinct >> heard.all >> heard.late;
    return heard;
  }

  std::string before_;
};

TEST_F(RelayTest, DelayIsAddedInBothFamiliesAndTaken) {
  for (const std::string& address : b().addresses()) EXPECT_LT(answerMs(address), 200);
  {
    Fault late = cluster().degrade(a(), {.delay = 300ms});
    EXPECT_THAT(ruleset(), AllOf(HasSubstr("muster_relay_"), HasSubstr("fwd to \"muster-")));
    for (const std::string& address : b().addresses()) {
      EXPECT_GE(answerMs(address), 300) << address;
    }
    EXPECT_GE(answerMs(b().address(), "20000"), 300) << "in fragments";
    EXPECT_THAT(a().output({"ip", "-o", "addr"}), Not(HasSubstr("muster-")));
    EXPECT_GE(late.packetsDropped(), 9u) << "counts what it has taken";
  }
  for (const std::string& address : b().addresses()) {
    EXPECT_THAT(answerMs(address), AllOf(testing::Ge(0), testing::Lt(300)));
  }
}

TEST_F(RelayTest, StreamArrivesWholeInSpiteOfAllThatIsDoneToIt) {
  Fault bad = cluster().degrade(
      a(), {.delay = 5ms, .jitter = 5ms, .duplicate = 0.05, .reorder = 0.1, .corrupt = 0.01});
  std::string hear =
      "import hashlib, socket\ns = socket.create_server(('', 4900))\nprint('ready', flush=True)\n"
      "c, _ = s.accept()\nh = hashlib.sha256()\nwhile d := c.recv(65536): h.update(d)\n"
      "print(h.hexdigest())";
  Process listener = b().start({"/usr/bin/python3", "-c", hear});
  listener.readUntil("ready", 10s);
  std::string send =
      "import hashlib, os, socket\nd = os.urandom(4 << 20)\nc = socket.create_connection(('" +
      b().address() + "', 4900))\nc.sendall(d)\nc.close()\nprint(hashlib.sha256(d).hexdigest())";
  auto sent = a().run({"/usr/bin/python3", "-c", send});
  EXPECT_EQ(listener.wait(120s).out, "ready\n" + sent.out);
  EXPECT_EQ(sent.out.size(), 65u);
}

TEST_F(RelayTest, DatagramsAreDoubledAndOvertakeEachOther) {
  Heard usual = sendDatagrams();
  EXPECT_EQ(usual.all, 500);
  EXPECT_EQ(usual.late, 0);
  Fault bad = cluster().degrade(a(), {.delay = 50ms, .duplicate = 0.3, .reorder = 0.3});
  Heard heard = sendDatagrams();
  EXPECT_EQ(heard.distinct, 500);
  EXPECT_GT(heard.all, 550);
  EXPECT_GT(heard.late, 50);
}

// The way to the agent is not damaged, nor is that by which nodes find each other.
TEST_F(RelayTest, DamagedDatagramsAreRefusedByTheirReceiver) {
  auto errors = [this] {
    return std::stoi(b().output({"sh", "-c", "awk '/^Udp: [0-9]/ {print $8}' /proc/net/snmp"}));
  };
  int before = errors();
  Fault bad = cluster().degrade(a(), {.corrupt = 1});
  EXPECT_EQ(sendDatagrams().distinct, 0);
  EXPECT_GE(errors() - before, 500);
}

TEST_F(RelayTest, RatePassesThroughItToo) {
  Fault slow = cluster().degrade(a(), {.bitsPerSecond = 1'000'000, .delay = 1ms});
  auto begin = std::chrono::steady_clock::now();
  // Its 30000 bytes take 240 ms, three times.
  EXPECT_GE(answerMs(b().address(), "30000"), 240);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 480ms);
}

TEST_F(RelayTest, InterfaceHasOneDegradation) {
  Fault late = cluster().degrade(a(), {.delay = 1ms});
  for (const Degradation& other :
       {Degradation{.delay = 2ms}, Degradation{.bitsPerSecond = 8'000'000}}) {
    EXPECT_THAT([&] { Fault again = cluster().degrade(a(), other); },
                FailsWith(NodeError::Kind::kConflict, HasSubstr("of another fault")));
  }
  late.heal();
  Fault slow = cluster().degrade(a(), {.bitsPerSecond = 8'000'000});
  EXPECT_THAT([&] { Fault again = cluster().degrade(a(), {.delay = 2ms}); },
              FailsWith(NodeError::Kind::kConflict, HasSubstr("of another fault")));
}

TEST_F(RelayTest, RulesOfOthersStay) {
  ASSERT_THAT(a().run({"sh", "-c",
                       "nft 'add table netdev mine; add chain netdev mine out { type filter hook "
                       "egress device eth0 priority 0; }; add rule netdev mine out ip protocol "
                       "udp counter' && ip rule add fwmark 7 lookup 77 && ip route add default "
                       "via " +
                           b().address() + " table 77"}),
              Succeeded());
  auto foreign = [this] {
    return a().output({"sh", "-c",
                       "ip rule; ip route show table all; nft -s list table netdev "
                       "mine"});
  };
  std::string before = foreign();
  {
    Fault late = cluster().degrade(a(), {.delay = 1ms});
    EXPECT_EQ(foreign(), before);
  }
  EXPECT_EQ(foreign(), before);
  a().run({"sh", "-c",
           "nft delete table netdev mine; ip rule del fwmark 7; ip route flush table "
           "77"});
}

TEST_F(RelayTest, RelayThatIsKilledLeavesNothingAndIsAnErrorAtTheEnd) {
  Fault late = cluster().degrade(a(), {.delay = 300ms});
  a().run({"pkill", "-KILL", "-f", "--", "--relay"});
  EXPECT_THAT([&] { return ruleset(); }, Eventually(Not(HasSubstr("muster_relay")), 5s));
  EXPECT_LT(answerMs(), 300);
  EXPECT_THAT([&] { late.heal(); },
              FailsWith(NodeError::Kind::kSystem, HasSubstr("relayed what interface eth0 sends "
                                                            "was ended before")));
}

// The table is made and shown as it should be, but its rule matches nothing.
TEST_F(RelayTest, RelayThatGetsNothingIsAnError) {
  const char* path = "/usr/local/sbin/nft";
  a().file(path).write(
      "#!/bin/sh\ncase $1 in -i) sed -u 's/counter fwd/meta mark 57005 counter fwd/' | "
      "/usr/sbin/nft -i;; *) exec /usr/sbin/nft \"$@\";; esac\n",
      {.mode = 0755});
  EXPECT_THAT([&] { Fault late = cluster().degrade(a(), {.delay = 1ms}); },
              FailsWith(NodeError::Kind::kSystem, HasSubstr("did not come to the relay")));
  a().run({"rm", "-f", path});
}

TEST_F(RelayTest, RelayWithoutItsFilterEnds) {
  Fault late = cluster().degrade(a(), {.delay = 300ms});
  EXPECT_THAT(a().run({"pkill", "-KILL", "-x", "nft"}), Succeeded());
  EXPECT_THAT(
      [&] {
        return a().output({"ip", "link"});
      },
      Eventually(Not(HasSubstr("muster-")), 5s));
  EXPECT_THAT([&] { late.packetsDropped(); }, FailsWith(NodeError::Kind::kInfrastructure));
  EXPECT_THAT([&] { late.heal(); }, FailsWith(NodeError::Kind::kSystem));
  EXPECT_LT(answerMs(), 300);
}

TEST_F(RelayTest, NothingIsLeftOfAKilledKeeper) {
  Fault late = cluster().degrade(a(), {.delay = 300ms});
  faults::killKeeper(a());
  EXPECT_THAT([&] { return everything(); }, Eventually(testing::StrEq(before_), 10s));
  EXPECT_THAT([&] { late.heal(); }, FailsWith(NodeError::Kind::kLost));
  EXPECT_LT(answerMs(), 300);
}

TEST_F(RelayTest, NothingIsLeftWhenAllIsKilled) {
  Fault late = cluster().degrade(a(), {.delay = 300ms});
  uint32_t before = a().state().reconnects;
  a().run({"pkill", "-KILL", "-f", "--", "nodeagent"});
  EXPECT_THAT([&] { return a().state().reconnects; }, Eventually(testing::Gt(before), 20s, 20ms));
  EXPECT_THAT([&] { return everything(); }, Eventually(testing::StrEq(before_), 10s));
  EXPECT_THAT([&] { late.heal(); }, FailsWith(NodeError::Kind::kLost));
}

TEST_F(RelayTest, KilledFrontChangesNothing) {
  Fault late = cluster().degrade(a(), {.delay = 300ms});
  uint32_t before = a().state().reconnects;
  a().run({"pkill", "-KILL", "-f", "--", "--role=front"});
  EXPECT_THAT([&] { return a().state().reconnects; }, Eventually(testing::Gt(before), 20s, 20ms));
  EXPECT_GE(answerMs(), 300);
  late.heal();
  EXPECT_LT(answerMs(), 300);
}

TEST_F(RelayTest, RefusalNamesWhatIsMissingOfBoth) {
  auto refused = [this](const char* path, const char* text) {
    std::string away = std::string(path) + ".away";
    ASSERT_THAT(a().run({"mv", path, away}), Succeeded());
    EXPECT_THAT([&] { Fault late = cluster().degrade(a(), {.delay = 1ms}); },
                FailsWith(NodeError::Kind::kUnsupported,
                          AllOf(HasSubstr("kernel lacks the queueing discipline sch_netem; nor "
                                          "can a relay do it: "),
                                HasSubstr(text))));
    EXPECT_THAT(a().run({"mv", away, path}), Succeeded());
  };
  refused("/dev/net/tun", "no /dev/net/tun");
  refused("/usr/sbin/nft", "no program nft; install its package nftables");
}

// Without tc there is no netem, and none is needed.
TEST_F(RelayTest, NodeWithoutTcHasARelay) {
  ASSERT_THAT(
      a().run({"sh", "-c", "rm /usr/local/sbin/tc; mv /usr/sbin/tc /usr/sbin/tc.away; ! tc"}),
      Succeeded());
  {
    Fault late = cluster().degrade(a(), {.delay = 300ms});
    EXPECT_GE(answerMs(), 300);
  }
  ASSERT_THAT(a().run({"mv", "/usr/sbin/tc.away", "/usr/sbin/tc"}), Succeeded());
}

}  // namespace
