// Memory, processors, disks and interfaces of a node are taken away, and given back.
#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using faults::pings;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr auto kDenied = NodeError::Kind::kDenied;
constexpr auto kConflict = NodeError::Kind::kConflict;
constexpr auto kInvalid = NodeError::Kind::kInvalid;

class ResourceFaultTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  Node& a() { return servers()[0]; }
  Node& b() { return servers()[1]; }
  NodeFaults faults() { return cluster().faultsOn(a()); }

  // Mounts a disk of 16 MiB, which is the test's own.
  void mountDisk() {
    ASSERT_THAT(
        a().run({"sh", "-c", "mkdir -p /run/small && mount -t tmpfs -o size=16m small /run/small"}),
        Succeeded());
  }
  void TearDown() override {
    a().run({"sh", "-c", "umount -l /run/small; ip link del mufa0; rm -rf /run/kept"});
  }
  Result write(const std::string& path, int kibibytes = 64) {
    return a().run(
        {"dd", "if=/dev/zero", "of=" + path, "bs=1K", "count=" + std::to_string(kibibytes)});
  }
  std::string hogs() { return a().run({"pgrep", "-f", "--", "nodeagent --hog"}).out; }
};

TEST_F(ResourceFaultTest, DiskIsFullAndFreeAgain) {
  mountDisk();
  {
    Fault full = faults().fillDisk("/run/small");
    EXPECT_THAT(write("/run/small/x"), StderrHas("No space left on device"));
    EXPECT_THAT([&] { Fault again = faults().fillDisk("/run/small"); },
                FailsWith(kConflict, HasSubstr("bytes free already")));
  }
  EXPECT_THAT(write("/run/small/x"), Succeeded());
  EXPECT_EQ(a().output({"ls", "-A", "/run/small"}), "x\n");
}

TEST_F(ResourceFaultTest, SomeOfTheDiskIsLeft) {
  mountDisk();
  Fault full = faults().fillDisk("/run/small", {.leave = 1 << 20});
  EXPECT_THAT(write("/run/small/x", 512), Succeeded());
  EXPECT_THAT(write("/run/small/y", 1024), StderrHas("No space left on device"));
}

TEST_F(ResourceFaultTest, DisksOfTheNodeItselfAreNotFilled) {
  EXPECT_THAT([&] { Fault full = faults().fillDisk("/usr"); },
              FailsWith(kDenied, HasSubstr("root file system")));
  EXPECT_THAT([&] { Fault full = faults().fillDisk("usr"); }, FailsWith(kInvalid));
  EXPECT_THAT([&] { Fault full = faults().fillDisk("/none"); },
              FailsWith(NodeError::Kind::kNotFound));
  EXPECT_THAT([&] { Fault full = faults().fillDisk("/etc/passwd"); },
              FailsWith(kInvalid, HasSubstr("is no directory")));
}

TEST_F(ResourceFaultTest, FullDiskThatSomebodyFreedIsAnErrorAtTheEnd) {
  mountDisk();
  Fault full = faults().fillDisk("/run/small");
  a().run({"sh", "-c", "rm /run/small/.muster-full-*"});
  EXPECT_THAT([&] { full.heal(); }, FailsWith(NodeError::Kind::kSystem, HasSubstr("no more")));
}

TEST_F(ResourceFaultTest, DirectoryIsReadOnlyForAWhile) {
  ASSERT_THAT(a().run({"mkdir", "-p", "/run/kept/a b"}), Succeeded());
  std::string before = a().output({"cat", "/proc/self/mountinfo"});
  {
    Fault kept = faults().makeReadOnly("/run/kept/a b");
    EXPECT_THAT(write("/run/kept/a b/x"), StderrHas("Read-only file system"));
    EXPECT_THAT(write("/run/kept/y"), Succeeded());
    EXPECT_THAT([&] { Fault again = faults().makeReadOnly("/run/kept/a b"); },
                FailsWith(kConflict, HasSubstr("cannot be written already")));
  }
  EXPECT_THAT(write("/run/kept/a b/x"), Succeeded());
  EXPECT_EQ(a().output({"cat", "/proc/self/mountinfo"}), before);
  for (const char* own : {"/", "/run"}) {
    EXPECT_THAT([&] { Fault kept = faults().makeReadOnly(own); },
                FailsWith(kDenied, HasSubstr("agent's state")));
  }
}

TEST_F(ResourceFaultTest, MemoryIsUsedAndGivenBack) {
  {
    Fault hungry = faults().useMemory({.bytes = 64 << 20});
    std::string pid = hogs();
    pid = pid.substr(0, pid.find('\n'));
    EXPECT_GE(std::stol(a().output({"ps", "-o", "rss=", "-p", pid})), 64 << 10);
    EXPECT_THAT(a().output({"cat", "/proc/" + pid + "/oom_score_adj"}), HasSubstr("1000"));
  }
  EXPECT_EQ(hogs(), "");
  EXPECT_THAT([&] { Fault hungry = faults().useMemory({.bytes = uint64_t{1} << 50}); },
              FailsWith(kConflict, HasSubstr("bytes of memory available")));
  EXPECT_THAT([&] { Fault hungry = faults().useMemory({.leave = uint64_t{1} << 50}); },
              FailsWith(kConflict, HasSubstr("no more than are to be left")));
}

TEST_F(ResourceFaultTest, ProcessorsAreBusy) {
  Fault busy = faults().useCpu(2);
  std::string hog = hogs();
  hog = hog.substr(0, hog.find('\n'));
  auto show = [&](const std::string& what) {
    return a().run({"ps", "-o", what + "=", "-p", hog}).out;
  };
  EXPECT_THAT([&] { return std::stod(show("cputimes")); }, Eventually(testing::Gt(0.0), 20s));
  a().run({"kill", "-KILL", hog});
  // Its first thread may be dead before the others are.
  EXPECT_THAT([&] { return show("stat"); },
              Eventually(AllOf(HasSubstr("Z"), Not(HasSubstr("l"))), 20s));
  EXPECT_THAT([&] { busy.heal(); }, FailsWith(NodeError::Kind::kSystem, HasSubstr("no more")));
  EXPECT_THAT([&] { Fault none = faults().useCpu(0); }, FailsWith(kInvalid, HasSubstr("threads")));
}

TEST_F(ResourceFaultTest, SuccessorOfAKilledKeeperGivesAllBack) {
  mountDisk();
  a().run({"mkdir", "-p", "/run/kept"});
  Fault full = faults().fillDisk("/run/small");
  Fault kept = faults().makeReadOnly("/run/kept");
  Fault busy = faults().useCpu(1);
  faults::killKeeper(a());
  EXPECT_THAT([&] { return write("/run/kept/x").succeeded() && write("/run/small/x").succeeded(); },
              Eventually(true, 10s));
  EXPECT_THAT([&] { return hogs(); }, Eventually(std::string(), 10s));
  for (Fault* fault : {&full, &kept, &busy}) {
    EXPECT_THAT([&] { fault->heal(); }, FailsWith(NodeError::Kind::kLost));
  }
}

TEST_F(ResourceFaultTest, InterfaceIsDownAndGetsItsRoutesBack) {
  ASSERT_THAT(a().run({"sh", "-c",
                       "ip link add mufa0 type bridge && ip addr add 10.199.0.1/24 dev mufa0 && "
                       "ip -6 addr add fd99::1/64 dev mufa0 nodad && ip link set mufa0 up && "
                       "ip route add 10.198.0.0/24 via 10.199.0.7 dev mufa0 && "
                       "ip -6 route add fd98::/64 via fd99::7 dev mufa0"}),
              Succeeded());
  auto routes = [&] {
    return a().output({"sh", "-c",
                       "ip route show dev mufa0; ip -6 route show dev mufa0; "
                       "ip -6 -o addr show dev mufa0 scope global | cut -d ' ' -f 2-7"});
  };
  std::string before = routes();
  {
    Fault down = faults().takeDown("mufa0");
    EXPECT_THAT(a().output({"ip", "link", "show", "mufa0"}), HasSubstr("state DOWN"));
    EXPECT_THAT(routes(), Not(HasSubstr("10.198")));
    EXPECT_THAT([&] { Fault again = faults().takeDown("mufa0"); }, FailsWith(kConflict));
  }
  EXPECT_THAT(routes, Eventually(before, 5s));
  EXPECT_THAT([&] { Fault down = faults().takeDown("mufa9"); },
              FailsWith(NodeError::Kind::kNotFound, HasSubstr("no interface mufa9")));
  EXPECT_THAT([&] { faults().takeDownFor("eth0", 11min); }, FailsWith(kInvalid));
}

// Whether this program comes by it or by a socket of the machine: somebody does.
TEST_F(ResourceFaultTest, InterfaceOfAControllerIsRefused) {
  constexpr char kAgentPort[] = "7411";
  Process peer = b().start({"/usr/bin/python3", "-c",
                            "import socket, sys\n"
                            "s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)\n"
                            "print('ready', flush=True)\ns.recv(1)\nsys.stdin.read()",
                            a().address(), kAgentPort});
  peer.readUntil("ready", 10s);
  EXPECT_THAT([&] { Fault down = faults().takeDown("eth0"); },
              FailsWith(kDenied, AllOf(HasSubstr(a().address()), HasSubstr("is connected to"))));
  EXPECT_TRUE(pings(b(), a()));
}

// The node brings the interface by which it is reached up again by itself.
TEST_F(ResourceFaultTest, NodeWithoutItsInterfaceComesBack) {
  ASSERT_TRUE(pings(b(), a()));
  Process outage = b().start(
      {"sh", "-c", "while ping -c 1 -W 1 -n " + a().address() + "; do :; done; echo out"});
  faults().takeDownFor("eth0", 3s);
  EXPECT_THAT(outage.wait(10s), Prints("out"));
  EXPECT_THAT([&] { return pings(b(), a()); }, Eventually(true, 10s));
}

}  // namespace
