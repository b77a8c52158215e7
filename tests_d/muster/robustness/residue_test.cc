// Shows that leftovers are found, also where they hide.
#include "tests_d/muster/robustness/residue.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/robustness/agent.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class ResidueTest : public ::testing::Test {
 protected:
  ResidueTest() : tag_("residue" + std::to_string(getpid())) {
    char path[] = "/tmp/residue.XXXXXX";
    if (mkdtemp(path)) directory_ = path;
  }
  ~ResidueTest() override {
    killTagged(tag_);
    // A payload that forks all the time escapes the kill, and ends by itself after some seconds.
    std::filesystem::remove_all(directory_);
  }

  // Starts a payload of an escape tactic. The end of the test waits for it.
  void start(const std::string& tactic) {
    std::string program = programDirectory() + "/muster-test-payload";
    std::string name = tag_ + "." + tactic;
    pid_t pid = fork();
    if (pid == 0) {
      dup2(open("/dev/null", O_WRONLY), 1);
      execl(program.c_str(), program.c_str(), "escape", tactic.c_str(), counter().c_str(),
            name.c_str(), nullptr);
      _exit(127);
    }
    ASSERT_TRUE(becomesTrue([&] { return locked(lockOf(counter())); }, 5s)) << tactic;
  }
  std::string counter() const { return directory_ + "/executions"; }
  bool gone(std::chrono::nanoseconds within) { return noneLeft(tag_, lockOf(counter()), within); }

  std::string tag_;
  std::string directory_;
};

TEST_F(ResidueTest, ProcessesAreFoundAndKilled) {
  start("plain");
  start("daemon");
  start("clears-environment");
  EXPECT_FALSE(gone(100ms));
  killTagged(tag_);
  EXPECT_TRUE(gone(2s)) << toString(taggedProcesses(tag_));
}

TEST_F(ResidueTest, ProcessThatForksAwayIsNotTakenForGone) {
  start("forks-without-end");
  EXPECT_FALSE(gone(300ms));
}

TEST_F(ResidueTest, FilesBelowAreListed) {
  std::filesystem::create_directories(directory_ + "/a/b");
  std::ofstream(directory_ + "/a/b/c") << "x";
  std::ofstream(directory_ + "/d") << "x";
  EXPECT_THAT(filesBelow(directory_), ElementsAre("a/b/c", "d"));
  EXPECT_TRUE(filesBelow(directory_ + "/none").empty());
}

TEST_F(ResidueTest, DescriptorsAndMemoryAreCounted) {
  size_t before = descriptorsOf(getpid());
  int fd = open("/dev/null", O_RDONLY);
  EXPECT_EQ(descriptorsOf(getpid()), before + 1);
  close(fd);
  EXPECT_GT(residentBytesOf(getpid()), 100'000u);
  EXPECT_EQ(residentBytesOf(0), 0u);
}

}  // namespace
}  // namespace robustness
