// Tries OpenRC with scripts in place of its tools, which answer as those of OpenRC 0.45.
#include "nodeagent/service/openrc.h"

#include <gmock/gmock.h>

#include "nodeagent/service/fake_node_testing.h"

namespace nodeagent::service {
namespace {

using ::testing::HasSubstr;

class OpenrcTest : public ::testing::Test {
 protected:
  ~OpenrcTest() noexcept override {}

  void SetUp() override { node_.script("init.d/fake", "description=\"A fake\""); }

  // `body` is that of rc-service.
  Openrc openrcWith(const std::string& body) {
    node_.script("rc-service", "echo \"$@\" >> " + calls_ + "\n" + body);
    return Openrc(OpenrcPaths{.scripts = scripts_,
                              .runlevels = levels_,
                              .pidFiles = root_,
                              .rcService = service_,
                              .rcUpdate = update_});
  }
  State stateWith(int exitStatus) {
    return openrcWith("exit " + std::to_string(exitStatus)).status("fake").state;
  }

  FakeNode node_;
  kj::String root_ = node_.path("");
  kj::String scripts_ = node_.path("init.d");
  kj::String levels_ = node_.path("runlevels");
  kj::String service_ = node_.path("rc-service");
  std::string calls_ = node_.path("calls").cStr();
  kj::String update_ = node_.script("rc-update", "echo update \"$@\" >> " + calls_);
};

TEST_F(OpenrcTest, StatusFollowsTheExitStatus) {
  EXPECT_EQ(stateWith(0), State::RUNNING);
  EXPECT_EQ(stateWith(3), State::STOPPED);
  EXPECT_EQ(stateWith(4), State::STOPPING);
  EXPECT_EQ(stateWith(8), State::STARTING);
  EXPECT_EQ(stateWith(16), State::STARTING);
  EXPECT_EQ(stateWith(32), State::FAILED);
  EXPECT_EQ(stateWith(1), State::UNSPECIFIED);
  EXPECT_EQ(openrcWith("exit 32").status("fake").substate, "crashed");
  EXPECT_EQ(openrcWith("exit 3").status("fake").description, "A fake");
  EXPECT_EQ(failureOf([&] { openrcWith("exit 0").status("absent"); }).kind, Kind::NOT_FOUND);
}

TEST_F(OpenrcTest, ServiceOfARunlevelIsEnabled) {
  EXPECT_EQ(openrcWith("exit 3").status("fake").enabled, Enabled::UNSPECIFIED);
  std::filesystem::create_directories(levels_.cStr() + std::string("/default"));
  EXPECT_EQ(openrcWith("exit 3").status("fake").enabled, Enabled::DISABLED);
  std::filesystem::create_symlink(scripts_.cStr() + std::string("/fake"),
                                  levels_.cStr() + std::string("/default/fake"));
  EXPECT_EQ(openrcWith("exit 3").status("fake").enabled, Enabled::ENABLED);
}

TEST_F(OpenrcTest, ActionsCallItsTools) {
  Openrc openrc = openrcWith("exit 0");
  EXPECT_EQ(openrc.act("fake", Action::START, kLong).kind, Kind::UNSPECIFIED);
  EXPECT_EQ(openrc.act("fake", Action::ENABLE, kLong).kind, Kind::UNSPECIFIED);
  EXPECT_EQ(openrc.act("fake", Action::RESET_FAILED, kLong).kind, Kind::UNSPECIFIED);
  EXPECT_EQ(node_.content("calls"), "fake start\nupdate add fake default\nfake status\n");
}

TEST_F(OpenrcTest, DisabledServiceLeavesTheRunlevelsThatHaveIt) {
  for (const char* level : {"/boot", "/default", "/off"}) {
    std::filesystem::create_directories(levels_.cStr() + std::string(level));
  }
  Openrc openrc = openrcWith("exit 0");
  EXPECT_EQ(openrc.act("fake", Action::DISABLE, kLong).kind, Kind::UNSPECIFIED);
  EXPECT_EQ(node_.content("calls"), "") << "it was in none";
  std::filesystem::create_symlink(scripts_.cStr() + std::string("/fake"),
                                  levels_.cStr() + std::string("/boot/fake"));
  EXPECT_EQ(openrc.act("fake", Action::DISABLE, kLong).kind, Kind::UNSPECIFIED);
  EXPECT_EQ(node_.content("calls"), "update del fake boot\n");
}

TEST_F(OpenrcTest, ResetOfACrashedServiceZapsIt) {
  Openrc openrc = openrcWith("test $2 = zap || exit 32");
  EXPECT_EQ(openrc.act("fake", Action::RESET_FAILED, kLong).kind, Kind::UNSPECIFIED);
  EXPECT_EQ(node_.content("calls"), "fake status\nfake zap\n");
}

TEST_F(OpenrcTest, FailureNamesToolAndReason) {
  ActResult result =
      openrcWith("echo ' * ERROR: fake failed to start'; exit 1").act("fake", Action::START, kLong);
  EXPECT_EQ(result.kind, Kind::SYSTEM);
  EXPECT_THAT(result.text.cStr(), HasSubstr("ERROR: fake failed to start"));
  EXPECT_EQ(openrcWith("exit 0").act("fake", Action::MASK, kLong).kind, Kind::UNSUPPORTED);
  ActResult reload = openrcWith("echo ' * fake: unknown function `reload'\"'\"; exit 1")
                         .act("fake", Action::RELOAD, kLong);
  EXPECT_EQ(reload.kind, Kind::UNSUPPORTED);
  EXPECT_EQ(openrcWith("exit 0").journalSince("fake", 1).note, "OpenRC keeps no journal");
}

}  // namespace
}  // namespace nodeagent::service
