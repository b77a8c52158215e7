// Tries what systemctl and journalctl print, with scripts in their place.
#include "nodeagent/service/systemd.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <kj/debug.h>

#include "nodeagent/service/fake_node_testing.h"

namespace nodeagent::service {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Status parsed(const std::string& text) {
  return KJ_ASSERT_NONNULL(parseShow(text.c_str()));
}

TEST(ParseShowTest, ReadsARunningService) {
  Status status = parsed(
      "MainPID=412\nLoadState=loaded\nActiveState=active\nSubState=running\n"
      "UnitFileState=enabled\nDescription=OpenBSD Secure Shell server = sshd");
  EXPECT_EQ(status.state, State::RUNNING);
  EXPECT_EQ(status.substate, "running");
  EXPECT_EQ(status.mainPid, 412);
  EXPECT_EQ(status.enabled, Enabled::ENABLED);
  EXPECT_EQ(status.description, "OpenBSD Secure Shell server = sshd");
}

TEST(ParseShowTest, MapsStates) {
  auto state = [](const std::string& active) {
    return parsed("LoadState=loaded\nActiveState=" + active).state;
  };
  EXPECT_EQ(state("inactive"), State::STOPPED);
  EXPECT_EQ(state("failed"), State::FAILED);
  EXPECT_EQ(state("activating"), State::STARTING);
  EXPECT_EQ(state("deactivating"), State::STOPPING);
  EXPECT_EQ(state("reloading"), State::RUNNING);
  EXPECT_EQ(state("novel"), State::UNSPECIFIED);
}

TEST(ParseShowTest, MapsUnitFileStates) {
  auto enabled = [](const std::string& file) {
    return parsed("LoadState=loaded\nUnitFileState=" + file).enabled;
  };
  EXPECT_EQ(enabled("enabled-runtime"), Enabled::ENABLED);
  EXPECT_EQ(enabled("disabled"), Enabled::DISABLED);
  EXPECT_EQ(enabled("masked"), Enabled::MASKED);
  EXPECT_EQ(enabled("static"), Enabled::STATIC);
  EXPECT_EQ(enabled(""), Enabled::UNSPECIFIED);
}

TEST(ParseShowTest, UnknownUnitGivesNull) {
  EXPECT_TRUE(parseShow("LoadState=not-found\nActiveState=inactive") == nullptr);
  EXPECT_TRUE(parseShow("") == nullptr);
}

class SystemdTest : public ::testing::Test {
 protected:
  ~SystemdTest() noexcept override {}

  Systemd systemdWith(const std::string& systemctl) {
    auto record = "printf '%s ' \"$@\" > '" + std::string(node_.path("argv").cStr()) + "'\n";
    return Systemd(
        node_.script("systemctl", record + systemctl),
        node_.script("journalctl",
                     "echo \"$@\" > '" + std::string(node_.path("asked").cStr()) + "'; seq 30"));
  }

  FakeNode node_;
};

TEST_F(SystemdTest, StatusBringsTheLastLinesOfTheLog) {
  Status status = systemdWith("echo LoadState=loaded; echo ActiveState=failed").status("fake");
  EXPECT_EQ(status.state, State::FAILED);
  ASSERT_EQ(status.log.size(), 20u);
  EXPECT_EQ(status.log[19], "30");
  EXPECT_THAT(node_.content("argv"), HasSubstr("-- fake "));
}

TEST_F(SystemdTest, StatusFailureNamesItsCause) {
  EXPECT_EQ(failureOf([&] { systemdWith("echo LoadState=not-found").status("fake"); }).kind,
            Kind::NOT_FOUND);
  support::Failure failure =
      failureOf([&] { systemdWith("echo 'bus is down' >&2; exit 1").status("fake"); });
  EXPECT_EQ(failure.kind, Kind::SYSTEM);
  EXPECT_THAT(failure.text.cStr(), HasSubstr("exit status 1: bus is down"));
}

TEST_F(SystemdTest, ActsWithoutAskingAnybody) {
  EXPECT_EQ(systemdWith("exit 0").act("fake", Action::START, kLong).kind, Kind::UNSPECIFIED);
  EXPECT_EQ(node_.content("argv"), "--no-pager --no-ask-password start -- fake ");
}

TEST_F(SystemdTest, FailureCarriesReasonAndOutput) {
  ActResult result = systemdWith("echo 'Job for fake.service failed.' >&2; exit 1")
                         .act("fake", Action::START, kLong);
  EXPECT_EQ(result.kind, Kind::SYSTEM);
  EXPECT_THAT(result.text.cStr(),
              AllOf(StartsWith("start fake: systemctl: exit status 1: Job for fake.service failed."
                               "; its log:\n11\n12\n"),
                    EndsWith("\n30")));
  EXPECT_THAT(node_.content("asked"),
              AllOf(HasSubstr("--since=@"), HasSubstr("--lines=20"), HasSubstr("--unit=fake")));
  EXPECT_EQ(kj::str(result.output.asChars()), "Job for fake.service failed.\n");
  EXPECT_EQ(systemdWith("exit 5").act("fake", Action::STOP, kLong).kind, Kind::NOT_FOUND);
}

TEST_F(SystemdTest, KillNamesTheSignal) {
  EXPECT_EQ(systemdWith("exit 0").kill("fake", 15, kLong).kind, Kind::UNSPECIFIED);
  EXPECT_EQ(node_.content("argv"), "--no-pager --no-ask-password kill --signal=15 -- fake ");
}

TEST_F(SystemdTest, ResetOfAStoppedServiceIsNoFailure) {
  // systemd has no unit loaded that is stopped and has not failed.
  std::string stopped =
      "echo LoadState=loaded; echo ActiveState=inactive; case \"$*\" in *reset*) exit 1; esac";
  EXPECT_EQ(systemdWith(stopped).act("fake", Action::RESET_FAILED, kLong).kind, Kind::UNSPECIFIED);
  std::string failed =
      "echo LoadState=loaded; echo ActiveState=failed; case \"$*\" in *reset*) exit 1; esac";
  EXPECT_EQ(systemdWith(failed).act("fake", Action::RESET_FAILED, kLong).kind, Kind::SYSTEM);
}

TEST_F(SystemdTest, JournalBeginsAtItsMarkAndIsBounded) {
  Journal journal = systemdWith("exit 0").journalSince("fake", 1'700'000'000'012'345'678);
  EXPECT_EQ(journal.lines.size(), 30u);
  EXPECT_EQ(journal.note, "");
  EXPECT_THAT(node_.content("asked"),
              AllOf(HasSubstr("--since=@1700000000.012345 "), HasSubstr("--lines=50")));
}

TEST_F(SystemdTest, JournalThatCannotBeReadSaysWhy) {
  Systemd systemd("true", node_.script("journalctl", "echo 'No journal files' >&2; exit 1"));
  Journal journal = systemd.journalSince("fake", 1);
  EXPECT_EQ(journal.lines.size(), 0u);
  EXPECT_THAT(journal.note.cStr(), HasSubstr("exit status 1: No journal files"));
}

TEST_F(SystemdTest, ServicesOfAUserAreAskedFromHisManager) {
  User user;
  user.name = kj::str("me");
  user.id = ::getuid();
  user.group = ::getgid();
  auto root = node_.path("");
  EXPECT_EQ(failureOf([&] { Systemd(user, root); }).kind, Kind::UNSUPPORTED);
  std::string runtime = root.cStr() + std::to_string(user.id);
  std::filesystem::create_directories(runtime + "/systemd/private");
  auto say = [this](const std::string& file) {
    return "echo \"$@\" \"$XDG_RUNTIME_DIR\" > " + std::string(node_.path(file).cStr()) + "; ";
  };
  Systemd systemd(user, root,
                  node_.script("systemctl", say("argv") + "echo LoadState=loaded; seq 3"),
                  node_.script("journalctl", say("asked")));
  systemd.status("fake");
  EXPECT_THAT(node_.content("argv"),
              AllOf(StartsWith("--user --no-pager show"), HasSubstr("-- fake "),
                    HasSubstr(kj::str(root, "/", user.id).cStr())));
  EXPECT_THAT(node_.content("asked"), HasSubstr("_SYSTEMD_USER_UNIT=fake.service _UID="));
}

TEST_F(SystemdTest, DeadlineIsKept) {
  ActResult result = systemdWith("sleep 60").act("fake", Action::START, 200'000'000);
  EXPECT_EQ(result.kind, Kind::TIMEOUT);
  EXPECT_THAT(result.text.cStr(), HasSubstr("not done after 200 ms"));
}

}  // namespace
}  // namespace nodeagent::service
