#include "harness/cli/change_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/command_error.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using Words = std::vector<std::string>;

template <typename Kind>
Kind made(const Words& words) {
  return std::get<Kind>(changeOf(words));
}

template <typename Call>
std::string failureOf(const Call& call) {
  try {
    call();
    return "no failure";
  } catch (const CommandError& error) {
    return std::to_string(error.status()) + " " + error.what();
  }
}

std::string refused(const Words& words) {
  return failureOf([&] { changeOf(words); });
}

ChangeRow row(const std::string& id) {
  ChangeInfo info;
  info.id = id + std::string(32 - id.size(), '0');
  return {"server1", info};
}

TEST(ChangeWordsTest, EachKindHasItsForm) {
  EXPECT_EQ(made<muster::Sysctl>({"sysctl", "a.b=1 2=3"}).value, "1 2=3");
  EXPECT_EQ(made<muster::ExtraAddress>({"address", "10.9.0.5/24", "eth0"}).interface, "eth0");
  EXPECT_THAT(made<muster::HostsEntry>({"hosts", "10.9.0.5", "a", "b"}).names,
              ElementsAre("a", "b"));
  EXPECT_EQ(made<muster::NodeMount>({"mount", "/mnt", "s:/v", "nfs", "ro"}).options, "ro");
  EXPECT_EQ(made<muster::OpenPort>({"port", "7400/udp"}).protocol,
            muster::OpenPort::Protocol::kUdp);
  EXPECT_EQ(made<muster::TmpfsMount>({"tmpfs", "/mnt", "64M"}).bytes, 64u << 20);
  EXPECT_EQ(made<muster::LoopMount>({"loop", "/mnt", "1G"}).fileSystem, "ext4");
  EXPECT_EQ(made<muster::LoopMount>({"loop", "/mnt", "1G", "xfs"}).fileSystem, "xfs");
  EXPECT_EQ(made<muster::VethPair>({"veth", "a", "b"}).peer, "b");
  EXPECT_EQ(made<muster::Vlan>({"vlan", "eth0", "7"}).id, 7);
  EXPECT_THAT(made<muster::Bridge>({"bridge", "br0"}).ports, SizeIs(0));
  EXPECT_EQ(made<muster::NodeUser>({"user", "kvd", "adm"}).group, "adm");
  EXPECT_EQ(made<muster::ServiceEnvironment>({"environment", "kvd", "A=1", "B=x=y"}).variables,
            (std::map<std::string, std::string>{{"A", "1"}, {"B", "x=y"}}));
  EXPECT_EQ(made<muster::NodeGroup>({"group", "kvd"}).name, "kvd");
  EXPECT_THAT(made<muster::Packages>({"packages", "a", "/b.deb"}).names, SizeIs(2));
}

TEST(ChangeWordsTest, WrongWordsAreRefused) {
  EXPECT_THAT(refused({"sysctrl", "a=1"}), HasSubstr("64 there is no change \"sysctrl\""));
  EXPECT_THAT(refused({}), HasSubstr("the kinds are address, bridge"));
  EXPECT_THAT(refused({"sysctl", "a"}), HasSubstr("64 \"a\" is not NAME=VALUE"));
  EXPECT_THAT(refused({"address", "10.9.0.5/24"}), HasSubstr("takes ADDRESS/PREFIX INTERFACE"));
  EXPECT_THAT(refused({"tmpfs", "/mnt", "64X"}), HasSubstr("\"64X\" is not a size"));
  EXPECT_THAT(refused({"port", "70000"}), HasSubstr("is no port such as 7400"));
  EXPECT_THAT(refused({"environment", "kvd", "A"}), HasSubstr("64 \"A\" is not NAME=VALUE"));
  EXPECT_THAT(refused({"vlan", "eth0", "x"}), HasSubstr("is no number of a VLAN"));
}

TEST(ChangeWordsTest, ChangesAreNamedByTheBeginningsOfTheirIds) {
  std::vector<ChangeRow> known = {row("0a1b2c"), row("0a1b3c")};
  Words unknown;
  EXPECT_THAT(chooseChanges({"0a1b2", "ffff"}, known, unknown), SizeIs(1));
  EXPECT_THAT(unknown, ElementsAre("ffff"));
  EXPECT_THAT(failureOf([&] { chooseChanges({"0a1b"}, known, unknown); }),
              HasSubstr("65 \"0a1b\" fits several"));
  EXPECT_THAT(failureOf([&] { chooseChanges({"nope"}, known, unknown); }),
              HasSubstr("64 \"nope\" is not a change"));
}

}  // namespace
}  // namespace harness
