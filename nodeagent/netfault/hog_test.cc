// Tries what ends a hog: a keeper that is gone, and the end of the fault.
#include "nodeagent/netfault/hog.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include <gmock/gmock.h>
#include <kj/debug.h>

#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/netfault/processes.h"
#include "nodeagent/os/process.h"
#include "nodeagent/os/wait_testing.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using ::testing::HasSubstr;

class HogTest : public ::testing::Test {
 protected:
  ~HogTest() override {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  bool hasEnded() {
    bool isReaped = ::waitpid(child_, &status_, WNOHANG) == child_;
    if (isReaped) child_ = 0;
    return isReaped;
  }

  pid_t child_ = 0;
  int status_ = -1;
};

// The test adopts it in the keeper's place, as process 1 would.
TEST_F(HogTest, HogWhoseKeeperIsGoneAlreadyEnds) {
  for (const char* kind : {kMemoryHog, kCpuHog}) {
    child_ = ::fork();
    if (child_ == 0) ::_exit(runHog({kind, "2", std::to_string(::getpid())}));
    EXPECT_TRUE(becomesTrue([this] { return hasEnded(); })) << kind;
    EXPECT_TRUE(WIFEXITED(status_) && WEXITSTATUS(status_) == 0) << kind << " " << status_;
  }
}

TEST_F(HogTest, WrongWordsAreRefused) {
  EXPECT_EQ(runHog({kCpuHog, "2"}), 64);
  EXPECT_EQ(runHog({kCpuHog, "2", "keeper"}), 64);
  EXPECT_EQ(runHog({kCpuHog, "0", "7"}), 64);
}

// No descriptor is free, so the process cannot be named to the kernel.
TEST_F(HogTest, EndThatIsNotPossibleFailsAndIsTriedAgain) {
  child_ = ::fork();
  if (child_ == 0) {
    for (;;) ::pause();
  }
  auto found = readProcess(child_);
  auto& process = KJ_ASSERT_NONNULL(found);
  auto line = lineOf(ProcessRef{child_, process.startTicks, kj::str("hog")});
  auto place = placeText(kMemoryHog, kj::arr(kj::mv(line)));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  int lowestFree = ::open("/dev/null", O_RDONLY);
  ::close(lowestFree);
  rlimit none = {static_cast<rlim_t>(lowestFree), before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  auto thrown = kj::runCatchingExceptions([&]() { removeLocal(place); });
  ::setrlimit(RLIMIT_NOFILE, &before);
  KJ_IF_MAYBE (exception, thrown) {
    EXPECT_THAT(support::toFailure(*exception, "test").text.cStr(),
                HasSubstr("open process " + std::to_string(child_) + ": Too many open files"));
  } else {
    ADD_FAILURE() << "the fault is said to have ended";
  }
  EXPECT_FALSE(hasEnded());
  removeLocal(place);
  EXPECT_EQ(::kill(child_, 0), -1);
  child_ = 0;
}

}  // namespace
}  // namespace nodeagent::netfault
