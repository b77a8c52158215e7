// Processes of a node stand still, run out of descriptors and are killed, and go on as before.
#include <csignal>

#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

constexpr char kName[] = "napper";

class ProcessFaultTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  Node& a() { return servers()[0]; }
  Node& b() { return servers()[1]; }

  // Starts a program of this name with a few threads, which writes to the file without an end.
  Process nap(Node& node, CommandLifetime lifetime = CommandLifetime::kTest) {
    std::string script =
        "import threading\nnever = threading.Event()\n"
        "for i in range(3): threading.Thread(target=never.wait, args=(600,), daemon=True).start()\n"
        "while True:\n open('/run/nap', 'a').write('x'); never.wait(0.01)";
    node.run({"rm", "-f", "/run/nap"});
    Process process =
        node.start({"bash", "-c", "exec -a napper /usr/bin/python3 -c \"$0\"", script},
                   {.lifetime = lifetime});
    EXPECT_THAT([&] { return node.run({"test", "-s", "/run/nap"}); }, Eventually(Succeeded(), 10s));
    return process;
  }
  // Tells whether the program goes on, by what it writes.
  bool moves(Node& node) {
    auto size = [&] { return node.output({"stat", "-c", "%s", "/run/nap"}); };
    std::string before = size();
    node.run({"sleep", "0.3"});
    return size() != before;
  }
  std::string states(Node& node, int pid) {
    return node.output(
        {"sh", "-c",
         "cut -d ' ' -f 3 /proc/" + std::to_string(pid) + "/task/*/stat | sort | uniq -c"});
  }
};

TEST_F(ProcessFaultTest, PausedProcessStandsStillWithEveryThread) {
  Process napper = nap(a());
  {
    Fault paused = cluster().faultsOn(a()).pause(processesNamed(kName));
    EXPECT_EQ(testing::PrintToString(paused), "fault \"pause server1: processes named napper\"");
    EXPECT_THAT(states(a(), napper.pid()), HasSubstr("4 T"));
    EXPECT_FALSE(moves(a()));
    EXPECT_THAT([&] { Fault again = cluster().faultsOn(a()).pause(processesNamed(kName)); },
                FailsWith(NodeError::Kind::kConflict, HasSubstr("is stopped already")));
  }
  EXPECT_TRUE(moves(a()));
}

// Both or none: where one node has no such process, the other's goes on.
TEST_F(ProcessFaultTest, PauseOnSeveralNodesIsWholeOrNone) {
  Process first = nap(a());
  EXPECT_THAT(
      [&] { Fault paused = cluster().faultsOn(servers().firstOf(2)).pause(processesNamed(kName)); },
      FailsWith(NodeError::Kind::kNotFound, HasSubstr("no processes named napper")));
  EXPECT_TRUE(moves(a()));
  Process second = nap(b());
  Fault paused = cluster().faultsOn(servers().firstOf(2)).pause(processesNamed(kName));
  EXPECT_FALSE(moves(a()));
  EXPECT_FALSE(moves(b()));
  paused.heal();
  EXPECT_TRUE(moves(a()));
  EXPECT_TRUE(moves(b()));
}

TEST_F(ProcessFaultTest, ProcessThatSomebodyContinuedIsAnErrorAtTheEnd) {
  Process napper = nap(a());
  Fault paused = cluster().faultsOn(a()).pause(processWithPid(napper.pid()));
  a().run({"kill", "-CONT", std::to_string(napper.pid())});
  EXPECT_THAT([&] { paused.heal(); }, FailsWith(NodeError::Kind::kSystem, HasSubstr("no more")));
  EXPECT_TRUE(moves(a()));
}

TEST_F(ProcessFaultTest, KilledProcessIsGoneAndALaterOneIsNot) {
  Process napper = nap(a());
  auto killed = cluster().faultsOn(a()).kill(processesNamed(kName));
  EXPECT_THAT(killed, ElementsAre(AllOf(Field(&KilledProcess::pid, napper.pid()),
                                        Field(&KilledProcess::node, "server1"))));
  EXPECT_THAT(napper.wait(), Signalled(SIGKILL));
  EXPECT_THAT([&] { cluster().faultsOn(a()).kill(processesNamed(kName)); },
              FailsWith(NodeError::Kind::kNotFound));
  Process next = nap(a());
  EXPECT_TRUE(moves(a()));
}

TEST_F(ProcessFaultTest, AgentIsRefusedByAnyName) {
  int keeper = std::stoi(a().output({"sh", "-c", "ps -o ppid= -p $$"}));
  for (const ProcessChoice& own :
       {processesNamed("nodeagent"), processWithPid(1), processWithPid(keeper)}) {
    EXPECT_THAT([&] { Fault paused = cluster().faultsOn(a()).pause(own); },
                FailsWith(NodeError::Kind::kDenied, HasSubstr("is left alone")));
    EXPECT_THAT([&] { cluster().faultsOn(a()).kill(own); },
                FailsWith(NodeError::Kind::kDenied, HasSubstr("is left alone")));
  }
}

TEST_F(ProcessFaultTest, ProcessWithoutDescriptorsOpensNoFile) {
  Process napper = nap(a());
  Fault starved = cluster().faultsOn(a()).useUpDescriptors(processesNamed(kName));
  EXPECT_THAT(napper.wait(10s), StderrHas("Too many open files"));
  Process next = nap(a());
  Fault paused = cluster().faultsOn(a()).pause(processWithPid(next.pid()));
  Fault limited = cluster().faultsOn(a()).useUpDescriptors(processesNamed(kName), 2);
  std::string limits = "/proc/" + std::to_string(next.pid()) + "/limits";
  EXPECT_THAT(a().output({"grep", "open files", limits}), HasSubstr("files            5 "));
  limited.heal();
  paused.heal();
  EXPECT_TRUE(moves(a()));
}

TEST_F(ProcessFaultTest, WrongChoicesAreRefused) {
  for (const ProcessChoice& wrong :
       {processesNamed(""), processesNamed("/usr/bin/kvd"), processesOfUnit("a\nb"),
        processWithPid(0), processWithPid(-7)}) {
    EXPECT_THAT([&] { Fault paused = cluster().faultsOn(a()).pause(wrong); },
                FailsWith(NodeError::Kind::kInvalid));
  }
  EXPECT_THAT([&] { Fault none = cluster().faultsOn(NodeSet()).pause(processWithPid(7)); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("there is no node")));
}

// The next keeper finds the record of the killed one and lets the processes go on.
TEST_F(ProcessFaultTest, SuccessorOfAKilledKeeperLetsThemGoOn) {
  Process napper = nap(a(), CommandLifetime::kDetached);
  Fault paused = cluster().faultsOn(a()).pause(processesNamed(kName));
  faults::killKeeper(a());
  EXPECT_THAT([&] { return moves(a()); }, Eventually(true, 10s));
  EXPECT_THAT([&] { paused.heal(); }, FailsWith(NodeError::Kind::kLost));
  EXPECT_EQ(cluster().faultsOn(a()).kill(processesNamed(kName)).size(), 1u);
}

class UnitFaultTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}, .init = NeedsInit::kSystemd}; }
};

TEST_F(UnitFaultTest, AllProcessesOfAUnitStandStill) {
  Node& node = servers()[0];
  ASSERT_THAT(
      node.run({"systemd-run", "--collect", "--unit=napper", "sh", "-c", "sleep 600 & sleep 601"}),
      Succeeded());
  auto states = [&] {
    return node.output({"sh", "-c",
                        "for p in $(cat /sys/fs/cgroup$(systemctl show -P ControlGroup "
                        "napper)/cgroup.procs); do cut -d ' ' -f 3 /proc/$p/stat; done"});
  };
  EXPECT_THAT(states, Eventually(std::string("S\nS\nS\n"), 10s));
  {
    Fault paused = cluster().faultsOn(node).pause(processesOfUnit("napper"));
    EXPECT_EQ(states(), "T\nT\nT\n");
  }
  EXPECT_EQ(states(), "S\nS\nS\n");
  EXPECT_EQ(cluster().faultsOn(node).kill(processesOfUnit("napper.service")).size(), 3u);
  EXPECT_THAT([&] { cluster().faultsOn(node).kill(processesOfUnit("nodeagent")); },
              FailsWith(NodeError::Kind::kDenied));
}

}  // namespace
