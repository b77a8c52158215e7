// `muster fault` cuts the network of real nodes, and its faults outlive it.
#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"
#include "tests_d/muster/support/wait.h"

namespace command {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kThree[] = "  server[1-3]: {role: server}\n";
constexpr std::chrono::seconds kWaitMax{15};

class FaultCommandTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file(kThree)}), exits(0));
  }

  Ended fault(const std::string& action, std::vector<std::string> arguments) const {
    return onCluster("fault " + action, std::move(arguments));
  }
  bool pings(const std::string& from, const std::string& to) const {
    return onCluster("exec", {from, "--", "ping", "-c", "1", "-W", "1", "-n", to}).status == 0;
  }
  // Returns the id in the first line of what `add` printed.
  static std::string idIn(const Ended& added) {
    return added.out.substr(0, added.out.find(':')).substr(std::string("fault ").size());
  }
  std::string tables(const std::string& node) const {
    return onCluster("exec", {node, "--", "sh", "-c", "nft list tables | grep muster_; true"}).out;
  }
};

TEST_F(FaultCommandTest, PartitionOutlivesTheCommandAndIsHealedByItsId) {
  Ended added = fault("add", {"partition", "server1", "/", "server2,server3", "--for", "5m"});
  ASSERT_THAT(added, AllOf(exits(0), prints(": partition server1 / server2,server3, for 300 s"),
                           complains("muster fault heal")));
  EXPECT_FALSE(pings("server1", "server2"));
  EXPECT_TRUE(pings("server2", "server3"));
  EXPECT_THAT(fault("list", {}), AllOf(exits(0), prints("partition  server1  server[2-3]  active"),
                                       prints("4m5"), prints("uid:0")));
  EXPECT_THAT(fault("list", {"server2", "--json"}),
              AllOf(prints("\"node\": \"server2\""), prints("\"held\": true"),
                    prints("\"state\": \"active\""), Not(prints("\"node\": \"server1\""))));
  EXPECT_THAT(fault("heal", {idIn(added)}),
              AllOf(exits(0), prints("server1: fault " + idIn(added) + " healed"),
                    prints("server3: fault")));
  EXPECT_TRUE(pings("server1", "server2"));
  EXPECT_EQ(tables("server1"), "");
  EXPECT_THAT(fault("heal", {idIn(added)}),
              AllOf(exits(0), prints("nothing to heal"), complains("no node has fault")));
}

TEST_F(FaultCommandTest, DegradedNodeIsListedAndHealed) {
  ASSERT_THAT(fault("add", {"degrade", "server1", "--rate", "8mbit"}),
              AllOf(exits(0), prints(": degrade server1, for 60")));
  EXPECT_THAT(fault("list", {}), AllOf(prints("degrade  server1  -"), prints("active")));
  EXPECT_THAT(fault("add", {"degrade", "server1", "--rate", "8mbit"}),
              AllOf(exits(69), complains("of another fault")));
  EXPECT_THAT(fault("heal", {"--all"}), AllOf(exits(0), prints("server1: fault")));
  EXPECT_THAT(fault("add", {"degrade", "server1"}), AllOf(exits(64), complains("nothing is")));
  EXPECT_THAT(fault("add", {"degrade", "server1", "--rate", "8mbit", "--port", "80"}),
              AllOf(exits(64), complains("--port does not belong to degrade")));
  EXPECT_THAT(fault("add", {"isolate", "server1", "--rate", "8mbit"}),
              AllOf(exits(64), complains("--rate does not belong to isolate")));
}

TEST_F(FaultCommandTest, ProcessesOfANodeArePausedAndKilled) {
  ASSERT_THAT(onCluster("exec", {"server1", "--detach", "--", "sleep", "600"}), exits(0));
  Ended added = fault("add", {"pause", "server1", "--name", "sleep"});
  ASSERT_THAT(added, AllOf(exits(0), prints(": pause server1: processes named sleep, for 60")));
  EXPECT_THAT(fault("list", {}), AllOf(prints("pause"), prints("1 of 1 threads stopped")));
  EXPECT_THAT(fault("list", {"--json"}), prints("\"witness\": \"1 of 1 threads stopped"));
  EXPECT_THAT(fault("heal", {idIn(added)}), AllOf(exits(0), prints("server1: fault")));
  EXPECT_THAT(fault("add", {"kill", "server1", "--name", "sleep"}),
              AllOf(exits(0), prints("server1: killed sleep")));
  EXPECT_THAT(fault("add", {"kill", "server[1-2]", "--name", "sleep", "--json"}),
              AllOf(exits(69), complains("no processes named sleep"), prints("\"killed\": []")));
}

TEST_F(FaultCommandTest, DiskForgetsWhatIsNotSynced) {
  auto sh = [this](const std::string& script) {
    return onCluster("exec", {"server1", "--", "sh", "-c", script});
  };
  ASSERT_THAT(sh("mkdir -p /srv/kvd && echo old > /srv/kvd/log"), exits(0));
  ASSERT_THAT(fault("add", {"disk", "server1", "--directory", "/srv/kvd", "--lose-unsynced"}),
              AllOf(exits(0), prints(": disk server1: /srv/kvd, losing what is not synced, for")));
  EXPECT_THAT(sh("echo new > /srv/kvd/log; cat /srv/kvd/log"), AllOf(exits(0), prints("new")));
  // The layer tells it up to some hundredths of a second later.
  auto isTold = [this] {
    return fault("list", {}).out.find("4 bytes not synced") != std::string::npos;
  };
  EXPECT_TRUE(muster_tests::becomesTrue(isTold, kWaitMax));
  EXPECT_THAT(fault("heal", {"--all"}), AllOf(exits(0), prints("healed; seen last: mount"),
                                              prints("4 bytes lost of 1 files")));
  EXPECT_THAT(sh("cat /srv/kvd/log"), AllOf(exits(0), prints("old")));
  EXPECT_THAT(fault("add", {"disk", "server1", "--directory", "/srv/kvd", "--fail-with", "bad"}),
              AllOf(exits(64), complains("--fail-with: \"bad\" is neither io nor full")));
}

TEST_F(FaultCommandTest, OptionsOfNodeFaultsAreChecked) {
  EXPECT_THAT(fault("add", {"pause", "server1"}),
              AllOf(exits(64), complains("pause takes one of --name, --unit and --pid")));
  EXPECT_THAT(fault("add", {"pause", "server1", "--name", "a", "--pid", "7"}), exits(64));
  EXPECT_THAT(fault("add", {"kill", "server1", "--name", "a", "--for", "5s"}),
              AllOf(exits(64), complains("--for does not belong to kill")));
  EXPECT_THAT(fault("add", {"isolate", "server1", "--threads", "2"}),
              AllOf(exits(64), complains("--threads does not belong to isolate")));
  EXPECT_THAT(fault("add", {"full", "server1"}),
              AllOf(exits(64), complains("full takes --directory")));
  EXPECT_THAT(fault("add", {"memory", "server1", "--bytes", "12X"}),
              AllOf(exits(64), complains("is not a size")));
  EXPECT_THAT(fault("add", {"down", "server[1-2]", "--interface", "eth0", "--even-ours"}),
              AllOf(exits(64), complains("takes one node")));
  EXPECT_THAT(fault("add", {"pause", "server1", "--pid", "1"}),
              AllOf(exits(69), complains("is left alone")));
}

TEST_F(FaultCommandTest, FaultEndsInItsTime) {
  ASSERT_THAT(fault("add", {"isolate", "server1", "--for", "5s", "--json"}),
              AllOf(exits(0), prints("\"kind\": \"isolate\""), prints("\"for_seconds\": 5.0")));
  EXPECT_NE(tables("server2"), "");
  EXPECT_TRUE(muster_tests::becomesTrue([this] { return pings("server1", "server2"); }, kWaitMax));
  EXPECT_TRUE(muster_tests::becomesTrue([this] { return tables("server2").empty(); }, kWaitMax));
  EXPECT_THAT(fault("list", {}), Not(prints("isolate")));
}

// The next keeper goes on with it; nobody has to begin it again.
TEST_F(FaultCommandTest, FaultOutlivesAKilledAgent) {
  ASSERT_THAT(fault("add", {"one-way", "server1", "server2", "--for", "5m"}), exits(0));
  onCluster("exec", {"server2", "--", "pkill", "-KILL", "-f", "nodeagent"});
  EXPECT_TRUE(muster_tests::becomesTrue(
      [this] { return fault("list", {"server2"}).out.find("active") != std::string::npos; },
      kWaitMax));
  EXPECT_FALSE(pings("server1", "server2"));
  EXPECT_THAT(fault("heal", {"--all", "--json"}), AllOf(exits(0), prints("\"healed\": [\n")));
  EXPECT_TRUE(pings("server1", "server2"));
}

// No process of the node runs, so only its kernel can end the fault.
TEST_F(FaultCommandTest, KernelOfAFrozenNodeEndsTheFault) {
  ASSERT_THAT(fault("add", {"one-way", "server2", "server1", "--for", "6s"}), exits(0));
  FrozenNode frozen(cluster_, "server1");
  EXPECT_FALSE(pings("server2", "server1"));
  EXPECT_TRUE(muster_tests::becomesTrue([this] { return pings("server2", "server1"); }, kWaitMax));
}

// The other nodes only show that its packets arrive.
TEST_F(FaultCommandTest, NodeIsDegradedWhileAnotherIsFrozen) {
  FrozenNode frozen(cluster_, "server2");
  EXPECT_THAT(fault("add", {"degrade", "server1", "--rate", "8mbit", "--connect-timeout", "1s"}),
              AllOf(exits(0), prints(": degrade server1")));
  EXPECT_THAT(fault("add", {"degrade", "server2", "--rate", "8mbit", "--connect-timeout", "1s"}),
              AllOf(exits(69), complains("server2")));
  EXPECT_THAT(onCluster("exec", {"server1", "--", "tc", "qdisc", "show"}), prints("tbf"));
}

TEST_F(FaultCommandTest, WrongArgumentsAreRefused) {
  EXPECT_THAT(fault("add", {"partition", "server1", "/", "@server"}),
              AllOf(exits(65), complains("node server1 is named twice")));
  EXPECT_THAT(fault("add", {"isolate", "server9"}), AllOf(exits(65), complains("server9")));
  EXPECT_THAT(fault("add", {"one-way", "server1", "server1"}), exits(65));
  EXPECT_THAT(fault("add", {"isolat", "server1"}),
              AllOf(exits(64), complains("there is no fault \"isolat\"")));
  EXPECT_THAT(fault("add", {"isolate", "server1", "--for", "25h"}),
              AllOf(exits(64), complains("--for")));
  EXPECT_THAT(fault("add", {"isolate", "server1", "--loss", "0%"}),
              AllOf(exits(64), complains("--loss: \"0%\" is not a share")));
  EXPECT_THAT(fault("add", {"isolate", "server1", "--port", "0"}),
              AllOf(exits(64), complains("--port")));
  EXPECT_THAT(fault("add", {"isolate", "server1", "--port", "7411"}),
              AllOf(exits(64), complains("7411 is the agent's own")));
  EXPECT_THAT(fault("heal", {}), AllOf(exits(64), complains("say what to heal")));
  EXPECT_THAT(fault("heal", {"xyz"}), AllOf(exits(64), complains("is not a fault")));
  for (std::string node : {"server1", "server2", "server3"}) EXPECT_EQ(tables(node), "");
}

class TcpFaultCommandTest : public FaultCommandTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file(std::string(kThree) + "control: tcp\n")}), exits(0));
  }
};

// The node's own tc knows no netem, so a relay damages what it sends.
TEST_F(TcpFaultCommandTest, RelayLeavesTheWayToTheAgentAlone) {
  const char* script =
      "printf '#!/bin/sh\\ncase \"$*\" in *netem*) echo kind is unknown: qdisc kind is unknown; "
      "exit 2;; esac\\nexec /usr/sbin/tc \"$@\"\\n' > /usr/local/sbin/tc; chmod 755 "
      "/usr/local/sbin/tc";
  ASSERT_THAT(onCluster("exec", {"server1", "--", "sh", "-c", script}), exits(0));
  ASSERT_THAT(fault("add", {"degrade", "server1", "--corrupt", "100%", "--delay", "200ms"}),
              AllOf(exits(0), prints(": degrade server1, for 60")));
  EXPECT_THAT(onCluster("exec", {"server1", "--", "hostname"}),
              AllOf(exits(0), prints("server1\n")));
  EXPECT_THAT(fault("list", {}), AllOf(exits(0), prints("active"), prints("relay muster-"),
                                       prints("delayed"), prints("damaged")));
  EXPECT_THAT(fault("heal", {"--all"}), exits(0));
  EXPECT_EQ(tables("server1"), "");
}

}  // namespace
}  // namespace command
