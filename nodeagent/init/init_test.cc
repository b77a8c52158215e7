// Tries process 1 in PID namespaces of the test's own.
#include "nodeagent/init/init.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/os/wait_testing.h"

namespace nodeagent {
namespace {

using ::testing::HasSubstr;

std::string contentOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Runs init as process 1 of a PID namespace of its own, with the agent and the boot script given as
// shell text.
class InitTest : public testing::Test {
 protected:
  InitTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "muster-init-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~InitTest() override {
    if (init_ > 0) {
      ::kill(init_, SIGKILL);
      ::waitpid(init_, nullptr, 0);
    }
    std::filesystem::remove_all(directory_);
  }

  std::string path(const std::string& name) { return directory_ + "/" + name; }

  void writeBoot(const std::string& script) {
    std::ofstream(path("boot")) << "#!/bin/sh\n" << script;
    std::filesystem::permissions(path("boot"), std::filesystem::perms::owner_all);
  }

  void start(const std::string& agent) {
    if (::geteuid() != 0) GTEST_SKIP() << "a PID namespace needs root";
    // The call is raw, because the child of libc's clone() would share our stack's idea of the
    // process id.
    init_ = static_cast<pid_t>(::syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));
    ASSERT_GE(init_, 0);
    if (init_ > 0) return;
    InitOptions options;
    options.agent = kj::heapArray<kj::String>(3);
    options.agent[0] = kj::str("/bin/sh");
    options.agent[1] = kj::str("-c");
    options.agent[2] = kj::str(agent.c_str());
    options.bootScript = kj::str(path("boot").c_str());
    options.bootLog = kj::str(path("boot.log").c_str());
    options.bootStatus = kj::str(path("boot.status").c_str());
    ::_exit(runInit(options));
  }

  // Exit status after a polite end, or -1 if it took more than five seconds.
  int terminate() {
    ::kill(init_, SIGTERM);
    int status = 0;
    bool ended = becomesTrue([&] { return ::waitpid(init_, &status, WNOHANG) == init_; });
    if (ended) init_ = 0;
    return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string directory_;
  pid_t init_ = 0;
};

TEST_F(InitTest, RefusesToBeAnythingButProcessOne) {
  EXPECT_EQ(runInit(InitOptions{}), 70);
}

TEST_F(InitTest, StartsTheAgentAgainWhenItEnds) {
  start("echo started >> " + path("agent.log"));
  EXPECT_TRUE(
      becomesTrue([&] { return contentOf(path("agent.log")) == "started\nstarted\nstarted\n"; }));
  EXPECT_EQ(terminate(), 0);
}

TEST_F(InitTest, RunsTheBootScriptOnceAndTellsHowItEnded) {
  writeBoot("echo booting; exit 3\n");
  start("exec sleep 60");
  EXPECT_TRUE(becomesTrue([&] { return contentOf(path("boot.status")) == "exit 3\n"; }));
  EXPECT_EQ(contentOf(path("boot.log")), "booting\n");
  EXPECT_EQ(terminate(), 0);
}

TEST_F(InitTest, SaysThatBootingIsOverWhenThereIsNoScript) {
  start("exec sleep 60");
  EXPECT_TRUE(becomesTrue([&] { return contentOf(path("boot.status")) == "exit 0\n"; }));
  EXPECT_EQ(terminate(), 0);
}

TEST_F(InitTest, EndsProcessesThatIgnoreTermOrLeftTheirSession) {
  writeBoot("setsid sh -c 'trap \"\" TERM; echo up > " + path("daemon") +
            "; while :; do read line < /dev/zero; done' &\n");
  start("exec sleep 60");
  ASSERT_TRUE(becomesTrue([&] { return contentOf(path("daemon")) == "up\n"; }));
  // The namespace ends with its process 1, and waitpid() on that returns when every process of it
  // is gone.
  EXPECT_EQ(terminate(), 0);
}

}  // namespace
}  // namespace nodeagent
