// What local nodes are beyond the contract of provisioner.h, on real namespaces, with a fake agent.
// Needs root; skipped otherwise.
#include "harness/provision/local/local.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/os/wait.h"
#include "harness/provision/choice.h"
#include "harness/provision/error.h"
#include "harness/provision/local/hub/cgroup.h"
#include "harness/provision/local/hub/state.h"
#include "harness/provision/local/local_testing.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(LocalProvisionerTest, NodesSeeEachOtherByNameInBothFamilies) {
  LocalProvisioner local(options());
  ClusterDescription cluster = local.up(planOf(name_, 2), Tenure::kOwned);
  ASSERT_EQ(cluster.nodes.size(), 2u);
  EXPECT_EQ(ask(cluster, 0, "hostname"), "server1\n");
  EXPECT_THAT(ask(cluster, 0, "getent ahosts server2"),
              AllOf(HasSubstr("10.77.0.12"), HasSubstr("fd77::12")));
  const char* kKnock = R"(python3 - <<'E'
import socket
for f, a in ((socket.AF_INET, "10.77.0.12"), (socket.AF_INET6, "fd77::12")):
  s = socket.socket(f); s.settimeout(3)
  try: s.connect((a, 7)); print("open")
  except ConnectionRefusedError: print("answered")
  except Exception as e: print(e)
E)";
  EXPECT_EQ(ask(cluster, 0, kKnock), "answered\nanswered\n");
}

TEST_F(LocalProvisionerTest, NodesOwnTheirFilesAndNotTheMachine) {
  LocalProvisioner local(options());
  ClusterDescription cluster = local.up(planOf(name_, 2), Tenure::kOwned);
  EXPECT_EQ(ask(cluster, 0, "echo mine > /etc/muster-test; cat /etc/muster-test"), "mine\n");
  EXPECT_THAT(ask(cluster, 1, "cat /etc/muster-test"), HasSubstr("No such file"));
  EXPECT_NE(::access("/etc/muster-test", F_OK), 0);
  EXPECT_THAT(ask(cluster, 0, "mknod /tmp/disk b 254 0"), HasSubstr("Operation not permitted"));
  EXPECT_THAT(ask(cluster, 0, "echo 1 > /proc/sys/kernel/panic"), HasSubstr("Read-only"));
  EXPECT_EQ(
      ask(cluster, 0, "echo 1 > /proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward"),
      "1\n");
  // sys_module 16, sys_rawio 17, sys_boot 22, sys_time 25 and mknod 27 are gone.
  uint64_t bounds =
      std::stoull(ask(cluster, 0, "sed -n 's/CapBnd:.//p' /proc/1/status"), nullptr, 16);
  EXPECT_EQ(bounds & (1u << 16 | 1u << 17 | 1u << 22 | 1u << 25 | 1u << 27), 0u);
  EXPECT_NE(ask(cluster, 0, "cat /proc/sys/kernel/random/boot_id"),
            ask(cluster, 1, "cat /proc/sys/kernel/random/boot_id"));
  EXPECT_NE(ask(cluster, 0, "cat /etc/machine-id"), ask(cluster, 1, "cat /etc/machine-id"));
}

TEST_F(LocalProvisionerTest, NodeKeepsTheCapabilityThatItsFileAsksFor) {
  ClusterPlan plan = planOf(name_, 2);
  plan.nodes[0].settings["capabilities"] =
      Setting("capabilities", std::vector<std::string>{"mknod"});
  LocalProvisioner local(options());
  ClusterDescription cluster = local.up(plan, Tenure::kOwned);
  const char* kMake = "mknod /var/tmp/disk b 254 0 && stat -c %F /var/tmp/disk";
  EXPECT_EQ(ask(cluster, 0, kMake), "block special file\n");
  EXPECT_THAT(ask(cluster, 1, kMake), HasSubstr("Operation not permitted"));
  // sys_module 16, sys_rawio 17, sys_boot 22 and sys_time 25 are gone all the same.
  uint64_t bounds =
      std::stoull(ask(cluster, 0, "sed -n 's/CapBnd:.//p' /proc/1/status"), nullptr, 16);
  EXPECT_EQ(bounds & (1u << 16 | 1u << 17 | 1u << 22 | 1u << 25), 0u);
}

TEST_F(LocalProvisionerTest, UnknownNamesAreRefusedWithoutWaiting) {
  LocalProvisioner local(options());
  ClusterDescription cluster = local.up(planOf(name_, 1), Tenure::kOwned);
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(ask(cluster, 0, "getent hosts no-such-host.example || echo unknown"), "unknown\n");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST_F(LocalProvisionerTest, FrozenNodesStandStillUntilTheirFreezerGoes) {
  LocalProvisioner local(options());
  ClusterDescription cluster = local.up(planOf(name_, 1), Tenure::kOwned);
  if (cgroupRoot().empty()) GTEST_SKIP() << "no cgroup2";
  std::string events = ClusterPaths(name_).group("server1") + "/cgroup.events";
  local.freeze(name_, "server1");
  EXPECT_THAT(readFile(events), HasSubstr("frozen 1"));
  local.thaw(name_, "server1");
  EXPECT_THAT(readFile(events), HasSubstr("frozen 0"));
  {
    LocalProvisioner other(options());
    other.freeze(name_, "server1");
    EXPECT_THAT(readFile(events), HasSubstr("frozen 1"));
  }
  EXPECT_EQ(ask(cluster, 0, "echo alive"), "alive\n");
}

TEST_F(LocalProvisionerTest, NodeIsPoweredOnWhenWhoeverPoweredItOffHasGone) {
  LocalProvisioner local(options());
  ClusterDescription cluster = local.up(planOf(name_, 2), Tenure::kOwned);
  local.powerOff(name_, "server2");
  {
    LocalProvisioner other(options());
    other.powerOff(name_, "server1");
    other.powerOff(name_, "server2");
    EXPECT_EQ(local.state(name_).power.at("server1"), Power::kOff);
  }
  auto power = [&](const char* node) { return local.state(name_).power.at(node); };
  Deadline end = after(std::chrono::seconds(20));
  while (power("server1") == Power::kOff && millisecondsUntil(end) > 0) std::this_thread::yield();
  EXPECT_EQ(power("server1"), Power::kOn);
  EXPECT_EQ(power("server2"), Power::kOff);
  EXPECT_EQ(ask(cluster, 0, "echo alive"), "alive\n");
}

TEST_F(LocalProvisionerTest, PowerCutsLoseTheMemoryAndKeepTheDisk) {
  LocalProvisioner local(options());
  ClusterDescription cluster = local.up(planOf(name_, 2), Tenure::kOwned);
  ask(cluster, 0, "echo disk > /var/tmp/kept; echo memory > /run/lost");
  std::string boot = ask(cluster, 0, "cat /proc/sys/kernel/random/boot_id");
  std::string machine = ask(cluster, 0, "cat /etc/machine-id");
  local.powerOff(name_, "server1");
  EXPECT_EQ(ask(cluster, 0, "echo alive"), "unreachable");
  EXPECT_EQ(ask(cluster, 1, "echo alive"), "alive\n");
  local.powerOn(name_, "server1");
  EXPECT_EQ(ask(cluster, 0, "cat /var/tmp/kept"), "disk\n");
  EXPECT_THAT(ask(cluster, 0, "cat /run/lost"), HasSubstr("No such file"));
  EXPECT_NE(ask(cluster, 0, "cat /proc/sys/kernel/random/boot_id"), boot);
  EXPECT_EQ(ask(cluster, 0, "cat /etc/machine-id"), machine);
  EXPECT_THAT(ask(cluster, 1, "getent hosts server1"), HasSubstr("server1"));
}

// A neighbour remembers the address for up to a minute, and so does a node that of the bridge.
TEST_F(LocalProvisionerTest, PowerCutsKeepTheAddressesOfTheNetwork) {
  LocalProvisioner local(options());
  ClusterDescription cluster = local.up(planOf(name_, 2), Tenure::kOwned);
  const char* kMac = "cat /sys/class/net/eth0/address";
  const char* kNeighbour =
      "ip neigh flush all; ping -c1 -W2 10.77.0.1 >&2; ip neigh show to 10.77.0.1";
  std::string before = ask(cluster, 0, kMac);
  std::string bridge = ask(cluster, 1, kNeighbour);
  EXPECT_THAT(before, HasSubstr(":0a:4d:00:0b"));
  EXPECT_THAT(bridge, HasSubstr(":0a:4d:00:01 "));
  local.powerOff(name_, "server1");
  EXPECT_THAT(ask(cluster, 1, kNeighbour), HasSubstr(":0a:4d:00:01 "));
  local.powerOn(name_, "server1");
  EXPECT_EQ(ask(cluster, 0, kMac), before);
  EXPECT_NE(ask(cluster, 1, kMac), before);
}

TEST_F(LocalProvisionerTest, StandingClustersAreFoundAndRefuseASecond) {
  LocalProvisioner(options()).up(planOf(name_, 1), Tenure::kStanding);
  LocalProvisioner local(options());
  EXPECT_EQ(local.find(name_).nodes.at(0).name, "server1");
  EXPECT_THAT([&] { local.up(planOf(name_, 1), Tenure::kStanding); },
              ::testing::ThrowsMessage<ProvisionError>(HasSubstr("is up already")));
  local.down(name_);
  EXPECT_THAT(localLeftovers(name_), IsEmpty());
  EXPECT_THAT([&] { local.find(name_); },
              ::testing::ThrowsMessage<ProvisionError>(HasSubstr("no running local cluster")));
  local.down(name_);  // Not an error.
  LocalProvisioner(options()).up(planOf(name_, 1), Tenure::kStanding);
  EXPECT_EQ(local.find(name_).nodes.size(), 1u);  // By another hub.
}

// Runs `look` as a user who may not look into the clusters of root. Its result is the exit status.
int asNobody(const std::function<int()>& look) {
  pid_t child = ::fork();
  if (child == 0) ::_exit(::setgid(65534) != 0 || ::setuid(65534) != 0 ? 99 : look());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(LocalProvisionerTest, ClusterOfRootIsHiddenFromOthersAndNotSaidToBeDown) {
  LocalProvisioner(options()).up(planOf(name_, 1), Tenure::kStanding);
  auto kindOf = [](const std::function<void()>& choose) {
    try {
      choose();
      return 98;
    } catch (const ChoiceError& error) {
      return static_cast<int>(error.kind());
    }
  };
  int denied = static_cast<int>(ChoiceError::Kind::kNoPermission);
  EXPECT_EQ(asNobody([&] { return kindOf([&] { chooseCluster(name_); }); }), denied);
  EXPECT_EQ(asNobody([&] { return kindOf([] { chooseOnlyCluster(); }); }), denied);
  EXPECT_EQ(asNobody([&] {
              for (const ClusterEntry& entry : LocalProvisioner().list()) {
                if (entry.name == name_) return static_cast<int>(entry.life);
              }
              return 97;
            }),
            static_cast<int>(ClusterEntry::Life::kHidden));
  int forDown = asNobody([&] {
    try {
      LocalProvisioner().down(name_);
      return 96;
    } catch (const ProvisionError& error) {
      return static_cast<int>(error.kind());
    }
  });
  EXPECT_EQ(forDown, static_cast<int>(ProvisionError::Kind::kNoPermission));
}

TEST_F(LocalProvisionerTest, HubThatHangsIsToldFromOneThatIsNotThere) {
  LocalOptions impatient = options();
  impatient.answerTime = std::chrono::seconds(1);
  LocalProvisioner local(impatient);
  local.up(planOf(name_, 1), Tenure::kStanding);
  ::kill(hubProcessOf(name_)->pid, SIGSTOP);
  try {
    local.find(name_);
    ADD_FAILURE() << "it answered";
  } catch (const ProvisionError& error) {
    EXPECT_EQ(error.kind(), ProvisionError::Kind::kNoAnswer);
    EXPECT_THAT(error.what(), HasSubstr("no answer in time"));
  }
  ::kill(hubProcessOf(name_)->pid, SIGCONT);
  EXPECT_EQ(local.find(name_).nodes.size(), 1u);
}

// The hub stands still, so that it has accepted the connection and answers nothing when it is
// killed.
TEST_F(LocalProvisionerTest, HubThatIsKilledWhileItIsAskedIsSaidToBeGone) {
  LocalProvisioner local(options());
  local.up(planOf(name_, 1), Tenure::kStanding);
  pid_t hub = hubProcessOf(name_)->pid;
  ::kill(hub, SIGSTOP);
  std::thread killer([hub] {
    waitUntil(after(std::chrono::milliseconds(100)), [] { return false; });
    ::kill(hub, SIGKILL);
  });
  try {
    local.find(name_);
    ADD_FAILURE() << "it answered";
  } catch (const ProvisionError& error) {
    EXPECT_EQ(error.kind(), ProvisionError::Kind::kNoSuchCluster) << error.what();
  }
  killer.join();
}

TEST_F(LocalProvisionerTest, ClusterThatIsUpIsChosenByNameByFileAndAlone) {
  LocalProvisioner(options()).up(planOf(name_, 1), Tenure::kStanding);
  Choice byName = chooseCluster(name_);
  ASSERT_NE(std::get_if<ExistingCluster>(&byName), nullptr);
  std::string path = "/tmp/" + name_ + ".yaml";
  putFile(path, "nodes: {server1: {role: server}}\n", 0600);
  Choice byFile = chooseCluster(path);
  ::unlink(path.c_str());
  auto* existing = std::get_if<ExistingCluster>(&byFile);
  ASSERT_NE(existing, nullptr);
  EXPECT_EQ(existing->description.nodes.at(0).name, "server1");
  EXPECT_EQ(chooseOnlyCluster().description.name, name_);
  // A name that is nearly right is proposed; the name itself never is.
  EXPECT_THAT([this] { chooseCluster(name_ + "x"); },
              ::testing::ThrowsMessage<ChoiceError>(HasSubstr("did you mean \"" + name_ + "\"?")));
}

TEST_F(LocalProvisionerTest, FileThatHasChangedIsRefusedWithTheDifference) {
  LocalProvisioner(options()).up(planOf(name_, 1), Tenure::kStanding);
  std::string path = "/tmp/" + name_ + ".yaml";
  putFile(path, "nodes: {server1: {role: client}}\n", 0600);
  try {
    chooseCluster(path);
    ADD_FAILURE() << "it was taken";
  } catch (const ChoiceError& error) {
    EXPECT_EQ(error.kind(), ChoiceError::Kind::kChanged);
    EXPECT_THAT(error.what(), HasSubstr("server1: role was server, is client; make it anew with"));
  }
  ::unlink(path.c_str());
  ClusterPlan changed = planOf(name_, 1);
  changed.nodes[0].role = "client";
  EXPECT_THAT([&] { LocalProvisioner(options()).up(changed, Tenure::kStanding); },
              ::testing::ThrowsMessage<ProvisionError>(
                  AllOf(HasSubstr("is up already"),
                        HasSubstr("it differs from the file: server1: role was server"))));
}

TEST_F(LocalProvisionerTest, UpTellsHowManyNodesAreReady) {
  ClusterPlan plan = planOf(name_, 3);
  plan.nodes[1].name = "slow2";
  LocalProvisioner local(options());
  std::vector<size_t> told;
  local.watchUp([&](const UpProgress& progress) {
    EXPECT_EQ(progress.nodes, 3u);
    if (told.empty() || told.back() != progress.ready) told.push_back(progress.ready);
    if (progress.ready == 2) putFile(ClusterPaths(name_).node("slow2") + "/go", "", 0600);
  });
  local.up(plan, Tenure::kOwned);
  EXPECT_EQ(told.front(), 0u);
  EXPECT_THAT(told, ::testing::Contains(2u));
}

TEST_F(LocalProvisionerTest, WatcherThatThrowsEndsUpAndNothingStays) {
  ClusterPlan plan = planOf(name_, 2);
  plan.nodes[0].name = "slow1";
  LocalProvisioner local(options());
  local.watchUp([](const UpProgress& progress) {
    if (progress.ready == 1) throw ProvisionError("cancelled");
  });
  EXPECT_THAT([&] { local.up(plan, Tenure::kOwned); },
              ::testing::ThrowsMessage<ProvisionError>("cancelled"));
  EXPECT_THAT(localLeftovers(name_), IsEmpty());
}

TEST_F(LocalProvisionerTest, AnOwnerCollectsWhatItsKilledHubLeft) {
  {
    LocalProvisioner local(options());
    local.up(planOf(name_, 1), Tenure::kOwned);
    ::kill(hubProcessOf(name_)->pid, SIGKILL);
  }
  EXPECT_THAT(localLeftovers(name_), IsEmpty());
}

TEST_F(LocalProvisionerTest, AnAgentThatEndsIsReportedWithItsLastWordsAndNothingStays) {
  LocalOptions wrong = options();
  wrong.agentProgram = "/bin/false";
  LocalProvisioner local(wrong);
  EXPECT_THAT([&] { local.up(planOf(name_, 2), Tenure::kOwned); },
              ::testing::ThrowsMessage<ProvisionError>(
                  AllOf(StartsWith("node server"), HasSubstr("exited with status 1"))));
  EXPECT_THAT(localLeftovers(name_), IsEmpty());
}

// A program for nodes that writes bytes which no JSON holds, and ends. The first start of a node
// goes well if `first` says so.
class LocalBytesTest : public LocalProvisionerTest {
 protected:
  LocalOptions withAgent(const std::string& first) {
    LocalOptions hostile = options();
    std::string script = "#!/bin/sh\nif [ ! -e /var/tmp/again ]; then touch /var/tmp/again; " +
                         first + "; fi\nprintf 'bye \\377\\033[2J'; exit 4\n";
    putFile(agent_, script, 0755);
    hostile.agentProgram = agent_;
    return hostile;
  }
  void TearDown() override {
    ::unlink(agent_.c_str());
    LocalProvisionerTest::TearDown();
  }

  const std::string agent_ = "/tmp/muster-agent-" + name_;
  const std::string shown_ = "its console ends with: bye \\xff\\x1b[2J";
};

TEST_F(LocalBytesTest, TheReasonIsToldAtUp) {
  LocalProvisioner local(withAgent("true"));
  EXPECT_THAT([&] { local.up(planOf(name_, 1), Tenure::kOwned); },
              ::testing::ThrowsMessage<ProvisionError>(
                  AllOf(HasSubstr("exited with status 4"), HasSubstr(shown_))));
  EXPECT_THAT(localLeftovers(name_), IsEmpty());
}

TEST_F(LocalBytesTest, OtherNodesLiveOn) {
  LocalProvisioner local(withAgent("exec " + options().agentProgram));
  ClusterDescription cluster = local.up(planOf(name_, 2), Tenure::kOwned);
  local.powerOff(name_, "server1");
  EXPECT_THAT([&] { local.powerOn(name_, "server1"); },
              ::testing::ThrowsMessage<ProvisionError>(HasSubstr(shown_)));
  EXPECT_EQ(local.state(name_).power.at("server1"), Power::kOff);
  EXPECT_EQ(ask(cluster, 1, "echo alive"), "alive\n");
}

// The owner is a child of this test, so that it can be killed as a test binary might be.
TEST_F(LocalProvisionerTest, OwnedClustersEndWhenTheirOwnerIsKilled) {
  Pipe made = makePipe();
  pid_t owner = ::fork();
  if (owner == 0) {
    LocalProvisioner local(options());
    local.up(planOf(name_, 2), Tenure::kOwned);
    writeAll(made.writeEnd.get(), "up", "");
    ::pause();
    ::_exit(0);
  }
  made.writeEnd.reset();
  char text[2];
  ASSERT_EQ(::read(made.readEnd.get(), text, 2), 2);
  EXPECT_TRUE(hubLives(name_));
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  waitUntil(after(std::chrono::seconds(10)), [this] { return localLeftovers(name_).empty(); });
  EXPECT_THAT(localLeftovers(name_), IsEmpty());
}

// Kills the hub some time after it was started, in steps through its whole work, and collects.
TEST_F(LocalProvisionerTest, NothingIsLeftOfAHubThatIsKilledAtAnyMoment) {
  for (int attempt = 0; attempt < 16; ++attempt) {
    Pipe started = makePipe();
    pid_t caller = ::fork();
    if (caller == 0) {
      writeAll(started.writeEnd.get(), "s", "");
      try {
        LocalProvisioner(options()).up(planOf(name_, 3), Tenure::kStanding);
      } catch (const ProvisionError&) {
      }
      ::_exit(0);
    }
    char byte;
    ASSERT_EQ(::read(started.readEnd.get(), &byte, 1), 1);
    Deadline deadline = after(std::chrono::seconds(5));
    std::optional<HubProcess> hub;
    // Without a pause: the moment of the kill is counted from the hub's first.
    while (!hub && millisecondsUntil(deadline) > 0) hub = hubProcessOf(name_);
    ASSERT_TRUE(hub.has_value());
    waitUntil(after(std::chrono::milliseconds(attempt * 2)), [] { return false; });
    ::kill(hub->pid, SIGKILL);
    ::waitpid(caller, nullptr, 0);
    waitUntil(deadline, [this] { return !hubLives(name_); });
    collectCluster(name_);
    EXPECT_THAT(localLeftovers(name_), IsEmpty()) << "killed after " << attempt * 2 << " ms";
  }
}

}  // namespace
}  // namespace harness
