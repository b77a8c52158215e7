// Tries init scripts that the test writes, with every exit status that LSB knows.
#include "nodeagent/service/sysv.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "nodeagent/service/fake_node_testing.h"

namespace nodeagent::service {
namespace {

using ::testing::HasSubstr;

class SysvTest : public ::testing::Test {
 protected:
  ~SysvTest() noexcept override {}

  State stateWith(const std::string& body) {
    node_.script("init.d/fake", body);
    return sysv_.status("fake").state;
  }

  FakeNode node_;
  kj::String scripts_ = node_.path("init.d");
  kj::String root_ = node_.path("");
  kj::String updateTool_ = node_.script(
      "update-rc.d", R"(echo "$@" >> ")" + std::string(node_.path("calls").cStr()) + "\"");
  Sysv sysv_{SysvPaths{
      .scripts = scripts_, .runlevels = root_, .pidFiles = root_, .updateTool = updateTool_}};
};

TEST_F(SysvTest, StatusFollowsLsb) {
  EXPECT_EQ(stateWith("exit 0"), State::RUNNING);
  EXPECT_EQ(stateWith("exit 1"), State::FAILED);
  EXPECT_EQ(stateWith("exit 2"), State::FAILED);
  EXPECT_EQ(stateWith("exit 3"), State::STOPPED);
  EXPECT_EQ(stateWith("exit 4"), State::UNSPECIFIED);
  EXPECT_EQ(stateWith("exit 150"), State::UNSPECIFIED);
  EXPECT_EQ(stateWith("kill -9 $$"), State::UNSPECIFIED);
}

TEST_F(SysvTest, AScriptWithoutAStatusActionHasNoState) {
  EXPECT_EQ(stateWith("echo \"Usage: $0 {start|stop}\" >&2; exit 3"), State::UNSPECIFIED);
}

TEST_F(SysvTest, StatusDescribesTheService) {
  node_.script("init.d/fake",
               "### BEGIN INIT INFO\n# Short-Description: A fake\n### END INIT INFO\nexit 0");
  std::ofstream(node_.path("fake.pid").cStr()) << ::getpid() << "\n";
  Status status = sysv_.status("fake");
  EXPECT_EQ(status.manager, wire::ServiceStatus::Manager::SYSV);
  EXPECT_EQ(status.description, "A fake");
  EXPECT_EQ(status.mainPid, ::getpid());
  EXPECT_EQ(status.enabled, Enabled::UNSPECIFIED);
}

TEST_F(SysvTest, LinksOfTheRunlevelsSayWhetherItIsEnabled) {
  node_.script("init.d/fake", "exit 3");
  std::filesystem::create_directory(node_.path("rc3.d").cStr());
  EXPECT_EQ(sysv_.status("fake").enabled, Enabled::DISABLED);
  std::ofstream(node_.path("rc3.d/S01faker").cStr());
  EXPECT_EQ(sysv_.status("fake").enabled, Enabled::DISABLED);
  std::ofstream(node_.path("rc3.d/S01fake").cStr());
  EXPECT_EQ(sysv_.status("fake").enabled, Enabled::ENABLED);
}

TEST_F(SysvTest, ActsByTheScript) {
  node_.script("init.d/fake", "echo \"did $1\"");
  ActResult result = sysv_.act("fake", Action::RESTART, kLong);
  EXPECT_EQ(result.kind, Kind::UNSPECIFIED) << result.text.cStr();
  EXPECT_EQ(kj::str(result.output.asChars()), "did restart\n");
}

TEST_F(SysvTest, SaysWhyAnActionFailed) {
  node_.script("init.d/fake", "echo 'no such disk'; exit 6");
  ActResult result = sysv_.act("fake", Action::START, kLong);
  EXPECT_EQ(result.kind, Kind::SYSTEM);
  EXPECT_EQ(result.text, "start fake: its script (not configured): exit status 6: no such disk");
  EXPECT_EQ(kj::str(result.output.asChars()), "no such disk\n");
  node_.script("init.d/fake", "exit 3");
  EXPECT_EQ(sysv_.act("fake", Action::RELOAD, kLong).kind, Kind::UNSUPPORTED);
  node_.script("init.d/fake", "exit 4");
  EXPECT_EQ(sysv_.act("fake", Action::START, kLong).kind, Kind::DENIED);
}

TEST_F(SysvTest, ActionThatTheScriptLacksIsUnsupported) {
  for (const char* body : {"echo 'Usage: fake {start|stop}'; exit 0",
                           "echo ' * USAGE: fake {start|stop}' >&2; exit 1"}) {
    node_.script("init.d/fake", body);
    ActResult result = sysv_.act("fake", Action::RELOAD, kLong);
    EXPECT_EQ(result.kind, Kind::UNSUPPORTED) << body;
    EXPECT_THAT(result.text.cStr(), HasSubstr("reload fake: its script has no such action"));
  }
  node_.script("init.d/fake", "echo 'disk usage: 3%'; echo u; exit 0");
  EXPECT_EQ(sysv_.act("fake", Action::RELOAD, kLong).kind, Kind::UNSPECIFIED);
}

TEST_F(SysvTest, StoppingAStoppedServiceSucceeds) {
  node_.script("init.d/fake", "exit 7");
  EXPECT_EQ(sysv_.act("fake", Action::STOP, kLong).kind, Kind::UNSPECIFIED);
  EXPECT_EQ(sysv_.act("fake", Action::RELOAD, kLong).kind, Kind::SYSTEM);
}

TEST_F(SysvTest, KillsAScriptThatHangs) {
  node_.script("init.d/fake", "echo begun; sleep 60");
  ActResult result = sysv_.act("fake", Action::START, 300'000'000);
  EXPECT_EQ(result.kind, Kind::TIMEOUT);
  EXPECT_THAT(result.text.cStr(), HasSubstr("killed after 300 ms"));
  EXPECT_EQ(kj::str(result.output.asChars()), "begun\n");
}

TEST_F(SysvTest, EnablesThroughTheNodesOwnTool) {
  node_.script("init.d/fake", "exit 0");
  EXPECT_EQ(sysv_.act("fake", Action::ENABLE, kLong).kind, Kind::UNSPECIFIED);
  EXPECT_EQ(sysv_.act("fake", Action::DISABLE, kLong).kind, Kind::UNSPECIFIED);
  EXPECT_EQ(node_.content("calls"), "fake defaults\nfake enable\nfake defaults\nfake disable\n");
}

TEST_F(SysvTest, AnUnknownNameIsNotFound) {
  EXPECT_EQ(failureOf([&] { sysv_.status("absent"); }).kind, Kind::NOT_FOUND);
  EXPECT_EQ(failureOf([&] { sysv_.act("absent", Action::START, kLong); }).kind, Kind::NOT_FOUND);
  std::ofstream(node_.path("init.d/README").cStr()) << "text";
  EXPECT_THAT(failureOf([&] { sysv_.status("README"); }).text.cStr(), HasSubstr("not executable"));
}

TEST(ServiceNameTest, RefusesPathsOptionsAndPatterns) {
  for (const char* name : {"", "a/b", "..", ".hidden", "-x", "--help", "a b", "a\nb", "a*", "a?",
                           "[a]", "a;b", "\xc3\xa4"}) {
    EXPECT_EQ(failureOf([&] { requireServiceName(name); }).kind, Kind::INVALID) << name;
  }
  EXPECT_EQ(
      failureOf([&] { requireServiceName(kj::StringPtr(std::string(256, 'a').c_str())); }).kind,
      Kind::INVALID);
  EXPECT_EQ(failureOf([&] { requireServiceName(kj::StringPtr("a\0b", 3)); }).kind, Kind::INVALID);
  for (const char* name :
       {"ssh", "ssh.socket", "getty@tty1", "dev-disk\\x2d1.device", "x11-common", "a:b"}) {
    requireServiceName(name);
  }
}

TEST(FindManagerTest, FindsTheManagerThatTheNodeRuns) {
  FakeNode node;
  auto systemd = node.path("systemd");
  auto comm = node.path("comm");
  auto scripts = node.path("init.d");
  auto absent = node.path("absent");
  std::ofstream(comm.cStr()) << "systemd\n";
  EXPECT_EQ(initSystem({systemd, comm, scripts}), InitSystem::kSysv);
  std::filesystem::create_directory(systemd.cStr());
  EXPECT_EQ(initSystem({systemd, comm, scripts}), InitSystem::kSystemd);
  std::ofstream(comm.cStr()) << "nodeagent\n";
  EXPECT_EQ(initSystem({systemd, comm, scripts}), InitSystem::kSysv);
  EXPECT_EQ(initSystem({systemd, comm, scripts, systemd}), InitSystem::kOpenrc);
  EXPECT_EQ(initSystem({systemd, comm, absent, systemd}), InitSystem::kUnknown);
  EXPECT_EQ(initSystem({systemd, comm, absent}), InitSystem::kUnknown);
  EXPECT_EQ(failureOf([&] { findManager({systemd, comm, absent}); }).kind, Kind::UNSUPPORTED);
}

TEST_F(SysvTest, ActionsThatScriptsLackAreUnsupported) {
  node_.script("init.d/fake", "exit 3");
  for (Action action : {Action::MASK, Action::UNMASK, Action::RESET_FAILED}) {
    ActResult result = sysv_.act("fake", action, kLong);
    EXPECT_EQ(result.kind, Kind::UNSUPPORTED);
    EXPECT_THAT(result.text.cStr(), HasSubstr("SysV init scripts have no such action"));
  }
  EXPECT_EQ(sysv_.kill("fake", 15, kLong).kind, Kind::UNSUPPORTED) << "its process is unknown";
  EXPECT_EQ(failureOf([&] { sysv_.kill("absent", 15, kLong); }).kind, Kind::NOT_FOUND);
  EXPECT_EQ(sysv_.journalSince("fake", 1).note, "SysV init scripts keep no journal");
}

TEST_F(SysvTest, KillReachesTheProcessOfThePidFile) {
  node_.script("init.d/fake", "exit 0");
  pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  std::ofstream(node_.path("fake.pid").cStr()) << child << "\n";
  EXPECT_EQ(sysv_.kill("fake", SIGKILL, kLong).kind, Kind::UNSPECIFIED);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

}  // namespace
}  // namespace nodeagent::service
