// Tries user databases that the test writes, and the machine's own by getent.
#include "nodeagent/os/users.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/debug.h>

namespace nodeagent {
namespace {

using testing::ElementsAre;

constexpr const char* kPasswd =
    "root:x:0:0:root:/root:/bin/bash\n"
    "# a comment\n"
    "broken:x:abc:1:::\n"
    "short:x:7\n"
    "+nis::::::\n"
    "alice:x:1000:1000:Alice,,,:/home/alice:/bin/zsh\n"
    "all:x:4294967295:1::/:/bin/sh";
constexpr const char* kGroup =
    "root:x:0:\n"
    "wheel:x:10:root,alice\n"
    "alice:x:1000:alice\n"
    "video:x:44:bob,alice\n"
    "nearly:x:45:alicex,xalice\n";

std::vector<gid_t> groupsOf(const User& user) {
  return {user.groups.begin(), user.groups.end()};
}

TEST(UsersTest, AUserHasAllItsGroupsOnceThePrimaryFirst) {
  auto user = KJ_ASSERT_NONNULL(parseUser(kPasswd, kGroup, "alice"));
  EXPECT_EQ(user.id, 1000u);
  EXPECT_STREQ(user.home.cStr(), "/home/alice");
  EXPECT_STREQ(user.shell.cStr(), "/bin/zsh");
  EXPECT_THAT(groupsOf(user), ElementsAre(1000, 10, 44));
}

TEST(UsersTest, ADecimalIdFindsTheSameUser) {
  EXPECT_STREQ(KJ_ASSERT_NONNULL(parseUser(kPasswd, kGroup, "1000")).name.cStr(), "alice");
}

TEST(UsersTest, LinesThatMeanNothingArePassedOver) {
  for (auto name :
       {"broken", "short", "+nis", "", "# a comment", "all", "4294967295", "nobody", "99"}) {
    EXPECT_TRUE(parseUser(kPasswd, kGroup, name) == nullptr) << name;
  }
}

TEST(UsersTest, AGroupIsFoundByNameOrTakenAsNumber) {
  EXPECT_EQ(KJ_ASSERT_NONNULL(parseGroup(kGroup, "video")), 44u);
  EXPECT_EQ(KJ_ASSERT_NONNULL(parseGroup(kGroup, "4711")), 4711u);
  EXPECT_TRUE(parseGroup(kGroup, "audio") == nullptr);
}

TEST(UsersTest, IdsThatDoNotFitAreNotIds) {
  for (auto text : {"", "-1", "4294967295", "99999999999", "1x", " 1", "0x1"}) {
    EXPECT_TRUE(decimalId(text) == nullptr) << text;
  }
  EXPECT_EQ(KJ_ASSERT_NONNULL(decimalId("4294967294")), 4294967294u);
}

TEST(UsersTest, ChangedFilesAreReadAgain) {
  char root[] = "/tmp/muster-users-XXXXXX";
  ASSERT_NE(mkdtemp(root), nullptr);
  std::filesystem::create_directory(std::string(root) + "/etc");
  auto write = [&](const char* name, const char* text) {
    std::ofstream(std::string(root) + "/etc/" + name) << text;
  };
  UserDatabase users{kj::StringPtr(root)};
  EXPECT_TRUE(users.find("alice") == nullptr);
  write("passwd", kPasswd);
  write("group", kGroup);
  EXPECT_EQ(KJ_ASSERT_NONNULL(users.find("alice")).id, 1000u);
  EXPECT_THAT(groupsOf(KJ_ASSERT_NONNULL(users.find("alice"))), ElementsAre(1000, 10, 44));
  write("group", "wheel:x:10:root\n");
  EXPECT_THAT(groupsOf(KJ_ASSERT_NONNULL(users.find("alice"))), ElementsAre(1000));
  write("passwd", "alice:x:1001:1001::/home/alice:/bin/sh\n");
  EXPECT_EQ(KJ_ASSERT_NONNULL(users.find("alice")).id, 1001u);
  std::filesystem::remove(std::string(root) + "/etc/passwd");
  EXPECT_TRUE(users.find("alice") == nullptr);
  std::filesystem::remove_all(root);
}

// The loop itself never reads the files, and still notices a change at once.
TEST(UsersTest, ChangedFilesAreReadAgainByThreads) {
  char root[] = "/tmp/muster-users-XXXXXX";
  ASSERT_NE(mkdtemp(root), nullptr);
  std::filesystem::create_directory(std::string(root) + "/etc");
  auto write = [&](const char* text) { std::ofstream(std::string(root) + "/etc/passwd") << text; };
  auto io = kj::setupAsyncIo();
  Worker worker;
  UserDatabase users{kj::StringPtr(root)};
  auto look = [&]() { return users.look("alice", worker).wait(io.waitScope); };
  EXPECT_TRUE(look() == nullptr);
  write(kPasswd);
  EXPECT_EQ(KJ_ASSERT_NONNULL(look()).id, 1000u);
  EXPECT_EQ(KJ_ASSERT_NONNULL(look()).id, 1000u);
  write("alice:x:1001:1001::/home/alice:/bin/sh\n");
  EXPECT_EQ(KJ_ASSERT_NONNULL(look()).id, 1001u);
  std::filesystem::remove_all(root);
}

TEST(UsersTest, MissingUsersAreLookedUpByGetent) {
  auto io = kj::setupAsyncIo();
  Worker worker;
  UserDatabase users;
  EXPECT_EQ(KJ_ASSERT_NONNULL(users.look("root", worker).wait(io.waitScope)).id, 0u);
  EXPECT_TRUE(users.look("no-such-user-at-all", worker).wait(io.waitScope) == nullptr);
  EXPECT_TRUE(users.lookGroup("no-such-group-at-all", worker).wait(io.waitScope) == nullptr);
}

}  // namespace
}  // namespace nodeagent
