// Tries where groups are looked for, by texts, and real groups where the machine allows them.
#include "nodeagent/os/cgroup.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>

#include "nodeagent/os/spawn.h"

namespace nodeagent {
namespace {

using testing::ElementsAre;

std::vector<std::string> candidates(const char* mountinfo, const char* own) {
  std::vector<std::string> result;
  for (auto& path : cgroupCandidates(mountinfo, own)) result.push_back(path.cStr());
  return result;
}

TEST(CgroupTest, TheOwnGroupComesBeforeTheMount) {
  constexpr const char* kUnified =
      "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
  EXPECT_THAT(candidates(kUnified, "0::/system.slice/nodeagent.service\n"),
              ElementsAre("/sys/fs/cgroup/system.slice/nodeagent.service", "/sys/fs/cgroup"));
  EXPECT_THAT(candidates(kUnified, "0::/\n"), ElementsAre("/sys/fs/cgroup"));
  EXPECT_THAT(candidates(kUnified, "0::/../other\n"), ElementsAre("/sys/fs/cgroup"));
}

TEST(CgroupTest, AHybridHierarchyAndEscapedPathsAreFound) {
  constexpr const char* kHybrid =
      "31 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
      "32 30 0:28 / /sys/fs/cgroup\\040two/unified rw - cgroup2 cgroup2 rw\n";
  EXPECT_THAT(candidates(kHybrid, "1:name=systemd:/x\n0::/\n"),
              ElementsAre("/sys/fs/cgroup two/unified"));
}

TEST(CgroupTest, AMountOfAPartIsUnderstood) {
  constexpr const char* kPart = "30 23 0:26 /node /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  EXPECT_THAT(candidates(kPart, "0::/node/agent\n"),
              ElementsAre("/sys/fs/cgroup/agent", "/sys/fs/cgroup"));
}

TEST(CgroupTest, KillsForLackOfMemoryAreCounted) {
  auto kills = parseMemoryKills("low 0\nhigh 2\nmax 9\noom 3\noom_kill 4\noom_group_kill 5\n");
  EXPECT_EQ(kills.orDefault(0), 4u);
  EXPECT_TRUE(parseMemoryKills("low 0\noom 3\n") == nullptr);
  EXPECT_TRUE(parseMemoryKills("") == nullptr);
}

TEST(CgroupTest, NoTreeIsMadeWhereGroupsAreRefused) {
  EXPECT_TRUE(CgroupTree::openBelow("/proc", "test") == nullptr);
}

class CgroupTreeTest : public testing::Test {
 protected:
  void SetUp() override {
    name = "os-test-" + std::to_string(getpid());
    KJ_IF_MAYBE (found, CgroupTree::open(name.c_str())) {
      tree = kj::mv(*found);
    } else {
      GTEST_SKIP() << "this machine has no writable cgroup2 hierarchy";
    }
  }
  ~CgroupTreeTest() noexcept override {}

  // A process in the group that sleeps.
  pid_t sleeper(const Cgroup& group) {
    pid_t pid = fork();
    if (pid == 0) {
      for (;;) pause();
    }
    KJ_ASSERT(group.write("cgroup.procs", kj::str(pid)) == 0);
    return pid;
  }

  std::string name;
  kj::Own<CgroupTree> tree;
};

TEST_F(CgroupTreeTest, KillEndsAllAlsoInNestedGroups) {
  auto group = tree->take();
  auto path = std::string(group->path().cStr());
  pid_t outer = sleeper(*group);
  ASSERT_EQ(mkdir((path + "/nested").c_str(), 0755), 0);
  pid_t inner = fork();
  if (inner == 0) {
    for (;;) pause();
  }
  ASSERT_EQ(group->write("nested/cgroup.procs", kj::str(inner)), 0);
  EXPECT_EQ(processesBelow(group->directoryFd()).size(), 2u);
  kill(outer, SIGSTOP);
  group->killAll();
  for (pid_t pid : {outer, inner}) {
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
  }
  EXPECT_FALSE(group->isPopulated());
  group = nullptr;
  tree = nullptr;
  EXPECT_FALSE(std::filesystem::exists(path));
}

// A job may make groups in its own, as deep as it likes.
TEST_F(CgroupTreeTest, NoDepthHidesAProcess) {
  auto group = tree->take();
  auto path = std::string(group->path().cStr());
  std::string deep = path;
  for (int depth = 0; depth < 60; ++depth) {
    deep += "/n";
    ASSERT_EQ(mkdir(deep.c_str(), 0755), 0);
    ASSERT_EQ(mkdir((deep + "/side").c_str(), 0755), 0);
  }
  pid_t pid = sleeper(*group);
  std::ofstream(deep + "/cgroup.procs") << pid << std::flush;
  EXPECT_TRUE(group->isPopulated());
  EXPECT_TRUE(group->fewProcesses() == nullptr);
  EXPECT_EQ(processesBelow(group->directoryFd()).size(), 1u);
  group->killAll();
  ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
  EXPECT_FALSE(group->isPopulated());
  group = nullptr;
  EXPECT_EQ(tree->lingering().size(), 1u);
  removeGroups(tree->lingering());
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(CgroupTreeTest, EmptyGroupsAreUsedAgain) {
  auto first = tree->take();
  auto path = kj::str(first->path());
  first = nullptr;
  EXPECT_EQ(tree->take()->path(), path);
}

TEST_F(CgroupTreeTest, AKilledGroupIsNotUsedAgain) {
  auto first = tree->take();
  auto path = kj::str(first->path());
  first->killAll();
  first = nullptr;
  EXPECT_NE(tree->take()->path(), path);
}

TEST_F(CgroupTreeTest, LeftoversOfAnEarlierKeeperAreKilledAndRemoved) {
  auto left = std::string(tree->directory().cStr()) + "/job-77";
  auto group = tree->take();
  ASSERT_EQ(mkdir(left.c_str(), 0755), 0);
  pid_t pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  ASSERT_EQ(group->write("../job-77/cgroup.procs", kj::str(pid)), 0);
  auto next = CgroupTree::open(name.c_str());
  EXPECT_TRUE(next != nullptr);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_FALSE(std::filesystem::exists(left));
}

TEST_F(CgroupTreeTest, OnlyAbandonedEmptyDirectoriesOfOthersAreRemoved) {
  auto parent = std::filesystem::path(tree->directory().cStr()).parent_path();
  auto abandoned = parent / (name + "-abandoned");
  ASSERT_EQ(mkdir(abandoned.c_str(), 0755), 0);
  ASSERT_EQ(mkdir((abandoned / "job-1").c_str(), 0755), 0);
  auto mine = std::string(tree->take()->path().cStr());
  auto other = CgroupTree::open((name + "-other").c_str());
  EXPECT_TRUE(other != nullptr);
  EXPECT_FALSE(std::filesystem::exists(abandoned));
  EXPECT_TRUE(std::filesystem::exists(mine));
}

TEST(SpawnTest, CandidatesFollowThePath) {
  kj::String environment[] = {kj::str("PATH=/a::/b")};
  auto found = programCandidates("x", environment);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0], "/a/x");
  EXPECT_EQ(found[1], "x");
  EXPECT_EQ(found[2], "/b/x");
  EXPECT_EQ(programCandidates("./x", environment).size(), 1u);
  EXPECT_EQ(programCandidates("x", nullptr)[0], "/bin/x");
}

}  // namespace
}  // namespace nodeagent
