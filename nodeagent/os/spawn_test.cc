// Tries when the fate of a child is known. Nothing tells it, so its owner has to ask.
#include "nodeagent/os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <kj/debug.h>
#include <kj/vector.h>

#include "nodeagent/os/pidfd.h"
#include "nodeagent/os/wait_testing.h"

namespace nodeagent {
namespace {

constexpr int kWaitMs = 20'000;

// The child runs in the keeper's memory or, as where the user changes, in memory of its own.
enum class Memory { kShared, kOwn };

class LaunchTest : public testing::TestWithParam<Memory> {
 protected:
  ~LaunchTest() noexcept override = default;
  LaunchTest() : null_(open("/dev/null", O_RDWR | O_CLOEXEC)) {
    if (GetParam() == Memory::kShared) return;
    credentials_ = Credentials{geteuid(), getegid(), nullptr};
  }

  void SetUp() override {
    if (GetParam() == Memory::kOwn && geteuid() != 0) GTEST_SKIP() << "only root sets groups";
  }

  kj::Own<Launch> start(std::initializer_list<kj::StringPtr> words) {
    kj::Vector<kj::String> argv;
    for (auto word : words) argv.add(kj::str(word));
    SpawnOptions options;
    options.argv = argv;
    options.oomScore = oomScore_;
    KJ_IF_MAYBE (credentials, credentials_) options.credentials = *credentials;
    options.input = options.output = options.errors = null_;
    auto result = launchProgram(options);
    return kj::mv(result.get<kj::Own<Launch>>());
  }

  static void awaitEnd(int pidfd) {
    pollfd ended{pidfd, POLLIN, 0};
    ASSERT_EQ(1, poll(&ended, 1, kWaitMs));
  }

  kj::AutoCloseFd null_;
  kj::Maybe<Credentials> credentials_;
  kj::Maybe<int> oomScore_;
};

TEST_P(LaunchTest, ProgramThatRunsIsKnownSoon) {
  auto launch = start({"/bin/sleep", "1000"});
  auto pidfd = launch->takePidfd();
  EXPECT_TRUE(becomesTrue([&] { return launch->outcome() != nullptr; }));
  EXPECT_TRUE(KJ_ASSERT_NONNULL(launch->outcome()) == nullptr);
  signalChild(pidfd, SIGKILL);
  awaitEnd(pidfd);
  EXPECT_NE(reapChild(pidfd), nullptr);
}

TEST_P(LaunchTest, ProgramThatRanIsKnownAtItsEnd) {
  auto launch = start({"/bin/true"});
  auto pidfd = launch->takePidfd();
  awaitEnd(pidfd);
  EXPECT_TRUE(KJ_ASSERT_NONNULL(launch->outcome()) == nullptr);
  auto exit = KJ_ASSERT_NONNULL(reapChild(pidfd));
  EXPECT_FALSE(exit.signalled);
  EXPECT_EQ(exit.value, 0);
}

TEST_P(LaunchTest, FailureIsKnownAtTheEndOfTheChild) {
  auto launch = start({"/nowhere/at/all"});
  auto pidfd = launch->takePidfd();
  awaitEnd(pidfd);
  auto failure = KJ_ASSERT_NONNULL(KJ_ASSERT_NONNULL(launch->outcome()));
  EXPECT_EQ(failure.stage, SpawnStage::kExec);
  EXPECT_EQ(failure.errorNumber, ENOENT);
  EXPECT_EQ(KJ_ASSERT_NONNULL(reapChild(pidfd)).value, 127);
}

// The memory that the child reads is freed only when the child no longer uses it, in either place.
TEST_P(LaunchTest, LaunchMayBeDroppedAtOnce) {
  for (int i = 0; i < 50; ++i) {
    auto launch = start({"/bin/true"});
    auto pidfd = launch->takePidfd();
    launch = nullptr;
    awaitEnd(pidfd);
    auto exit = KJ_ASSERT_NONNULL(reapChild(pidfd));
    EXPECT_EQ(exit.value, exit.signalled ? SIGKILL : 0);
  }
}

int oomScoreOf(const std::string& process) {
  std::ifstream stream("/proc/" + process + "/oom_score_adj");
  int score = -1;
  stream >> score;
  return score;
}

// Raises this process's own score for its life, as anybody may.
class OwnOomScore {
 public:
  explicit OwnOomScore(int score) { std::ofstream("/proc/self/oom_score_adj") << score; }
  ~OwnOomScore() { std::ofstream("/proc/self/oom_score_adj") << before_; }

 private:
  int before_ = oomScoreOf("self");
};

// The kernel gives a score that a child sets in shared memory to all processes of that memory.
TEST_P(LaunchTest, OomScoreIsTheProgramsAlone) {
  OwnOomScore own(300);
  oomScore_ = 100;
  auto launch = start({"/bin/sleep", "1000"});
  auto pidfd = launch->takePidfd();
  EXPECT_TRUE(becomesTrue([&] { return launch->outcome() != nullptr; }));
  EXPECT_EQ(oomScoreOf(std::to_string(launch->pid())), 100);
  EXPECT_EQ(oomScoreOf("self"), 300);
  signalChild(pidfd, SIGKILL);
  awaitEnd(pidfd);
  reapChild(pidfd);
}

TEST_P(LaunchTest, OnlyAnInheritedOomScoreIsSet) {
  OwnOomScore own(300);
  auto launch = start({"/bin/sleep", "1000"});
  auto pidfd = launch->takePidfd();
  EXPECT_TRUE(becomesTrue([&] { return launch->outcome() != nullptr; }));
  pid_t pids[] = {launch->pid()};
  EXPECT_TRUE(setInheritedOomScore(pids, 200));
  EXPECT_FALSE(setInheritedOomScore(pids, 250));
  EXPECT_EQ(oomScoreOf(std::to_string(launch->pid())), 200);
  signalChild(pidfd, SIGKILL);
  awaitEnd(pidfd);
  reapChild(pidfd);
}

std::string nameOf(const testing::TestParamInfo<Memory>& memory) {
  return memory.param == Memory::kShared ? "Shared" : "Own";
}
INSTANTIATE_TEST_SUITE_P(Memories, LaunchTest, testing::Values(Memory::kShared, Memory::kOwn),
                         nameOf);

}  // namespace
}  // namespace nodeagent
