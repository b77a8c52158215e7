// A real systemd: what it refuses, what its services say when they fail, and services of users.
#include <csignal>
#include <string>

#include <muster/muster.h>

#include "tests_d/muster/services/component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using services_tests::installUnit;
using State = ServiceStatus::State;
using testing::AllOf;
using testing::HasSubstr;

class SystemdServicesTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"client", 1}}, .init = NeedsInit::kSystemd}; }
  static Node& node() { return clients()[0]; }
};

TEST_F(SystemdServicesTest, WaitEndsWhenTheServiceRuns) {
  installUnit(node(), "slow.service",
              "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 1\n");
  node().output({"systemctl", "start", "--no-block", "slow"});
  Service slow = node().service("slow");
  EXPECT_TRUE(slow.waitActive(20s).running());
  slow.stop(UndoAt::kNever);
}

TEST_F(SystemdServicesTest, WaitFailsAtOnceWithTheJournalOfTheStart) {
  installUnit(
      node(), "doomed.service",
      "[Service]\nExecStart=/bin/sh -c 'echo before; sleep 1; echo no disk here; exit 3'\n");
  Service doomed = node().service("doomed");
  node().output({"systemctl", "start", "--no-block", "doomed"});
  auto begun = std::chrono::steady_clock::now();
  awaitThat([&] { return doomed.status().state; }, State::kFailed, 20s);
  EXPECT_THAT(
      [&] { doomed.waitActive(60s); },
      FailsWith(NodeError::Kind::kSystem, AllOf(HasSubstr("wait until service \"doomed\" runs"),
                                                HasSubstr("it has failed (failed)"),
                                                HasSubstr("no disk here"), HasSubstr("status=3"))));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 30s);
  doomed.resetFailed();
}

TEST_F(SystemdServicesTest, WaitThatIsOverSaysWhatTheServiceIs) {
  installUnit(node(), "lazy.service", services_tests::kIdle);
  EXPECT_THAT([&] { node().service("lazy").waitActive(500ms); },
              FailsWith(NodeError::Kind::kTimeout,
                        AllOf(HasSubstr("it is stopped (dead)"), HasSubstr("no line since then"))));
  EXPECT_THAT([&] { node().service("none").waitActive(60s); },
              FailsWith(NodeError::Kind::kNotFound));
}

TEST_F(SystemdServicesTest, ServiceThatFailsTooOftenStartsAfterAReset) {
  installUnit(node(), "flaky.service",
              "[Unit]\nStartLimitIntervalSec=600\nStartLimitBurst=2\n[Service]\n"
              "Type=oneshot\nExecStart=/bin/sh -c 'test -e /run/flaky-works'\n");
  Service flaky = node().service("flaky");
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT([&] { flaky.start(); }, FailsWith(NodeError::Kind::kSystem));
  }
  node().file("/run/flaky-works").write("");
  EXPECT_THAT([&] { flaky.start(); }, FailsWith(NodeError::Kind::kSystem));
  EXPECT_EQ(flaky.resetFailed().state, State::kStopped);
  EXPECT_EQ(flaky.resetFailed().state, State::kStopped) << "once more is no error";
  flaky.start();
}

TEST_F(SystemdServicesTest, MaskedServiceDoesNotStart) {
  installUnit(node(), "shut.service", services_tests::kIdle);
  Service shut = node().service("shut");
  EXPECT_EQ(shut.mask().enabled, ServiceStatus::Enabled::kMasked);
  EXPECT_THAT([&] { shut.start(); }, FailsWith(NodeError::Kind::kSystem, HasSubstr("masked")));
  EXPECT_NE(shut.unmask().enabled, ServiceStatus::Enabled::kMasked);
  EXPECT_TRUE(shut.start().running());
}

TEST_F(SystemdServicesTest, KilledServiceIsStartedAgainBySystemd) {
  installUnit(node(), "phoenix.service",
              "[Service]\nExecStart=/bin/sleep infinity\nRestart=always\nRestartSec=100ms\n");
  Service phoenix = node().service("phoenix");
  int before = phoenix.start().mainPid;
  phoenix.kill(SIGKILL);
  EXPECT_THAT([&] { return phoenix.status().mainPid; },
              Eventually(AllOf(testing::Gt(0), testing::Ne(before)), 10s));
  EXPECT_TRUE(phoenix.waitActive(10s).running());
}

TEST_F(SystemdServicesTest, UserHasServicesOfHisOwn) {
  node().output({"useradd", "-m", "smith"});
  EXPECT_THAT([&] { node().service("forge", {.user = "smith"}).status(); },
              FailsWith(NodeError::Kind::kUnsupported, HasSubstr("enable-linger smith")));
  std::string id = node().output({"id", "-u", "smith"});
  id.pop_back();
  node().output({"systemctl", "start", "user@" + id});
  // The user's manager stays, for the service to be put back at the end of the test.
  acceptNodeChanges();
  node()
      .file("/home/smith/.config/systemd/user/forge.service")
      .write("[Service]\nExecStart=/bin/sh -c 'echo glowing; exec sleep infinity'\n",
             {.parents = true});
  Service forge = node().service("forge", {.user = "smith"});
  ServiceStatus started = forge.start();
  EXPECT_TRUE(started.running());
  EXPECT_EQ(node().output({"ps", "-o", "user=", "-p", std::to_string(started.mainPid)}), "smith\n");
  EXPECT_THAT([&] { node().service("forge").status(); }, FailsWith(NodeError::Kind::kNotFound));
  EXPECT_EQ(forge.stop().state, State::kStopped);
}

}  // namespace
