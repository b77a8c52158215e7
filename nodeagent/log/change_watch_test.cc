// Tries that the kernel tells of changes, so that nobody has to look again: the watch's timer
// stands still.
#include "nodeagent/log/change_watch.h"

#include <gtest/gtest.h>
#include <kj/async-io.h>

#include "nodeagent/log/log_testing.h"

namespace nodeagent::logs {
namespace {

class ChangeWatchTest : public testing::Test {
 protected:
  ~ChangeWatchTest() noexcept override = default;

  kj::Promise<void> changed() { return watch_.changed(ChangeWatch::Paths::kWatched); }

  // Bounds the wait by the real timer.
  bool ends(kj::Promise<void> promise) {
    auto tooLong = io_.provider->getTimer().afterDelay(20 * kj::SECONDS);
    return promise.then([]() { return true; })
        .exclusiveJoin(tooLong.then([]() { return false; }))
        .wait(io_.waitScope);
  }

  LogDirectory logs_;
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  kj::TimerImpl still_{kj::origin<kj::TimePoint>()};
  ChangeWatch watch_{io_.unixEventPort, still_};
};

TEST_F(ChangeWatchTest, WriteToAWatchedFileIsTold) {
  logs_.append("a.log", "before\n");
  watch_.queue().watch({logs_.path("a.log")});
  auto written = changed();
  EXPECT_FALSE(written.poll(io_.waitScope));
  logs_.append("a.log", "line\n");
  EXPECT_TRUE(ends(kj::mv(written)));
}

TEST_F(ChangeWatchTest, NewFileOfAWatchedDirectoryIsTold) {
  watch_.queue().watch({logs_.path("")});
  auto made = changed();
  EXPECT_FALSE(made.poll(io_.waitScope));
  logs_.append("new.log", "line\n");
  EXPECT_TRUE(ends(kj::mv(made)));
}

// What happens between two waits is told by the second one.
TEST_F(ChangeWatchTest, ChangeBeforeTheWaitIsTold) {
  watch_.queue().watch({logs_.path("")});
  logs_.append("new.log", "line\n");
  EXPECT_TRUE(ends(changed()));
}

}  // namespace
}  // namespace nodeagent::logs
