// Tries tasks on other threads: results, failures, order of destruction, and the end.
#include "nodeagent/os/worker.h"

#include <pthread.h>

#include <atomic>

#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/debug.h>
#include <kj/vector.h>

#include "nodeagent/os/wait_testing.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

TEST(WorkerTest, RunsOnAnotherThreadAndBringsTheResultBack) {
  auto io = kj::setupAsyncIo();
  Worker worker;
  auto other = worker.run([]() { return pthread_self(); }).wait(io.waitScope);
  EXPECT_FALSE(pthread_equal(other, pthread_self()));
}

TEST(WorkerTest, AnExceptionArrivesWithItsText) {
  auto io = kj::setupAsyncIo();
  Worker worker;
  auto failure = kj::runCatchingExceptions(
      [&]() { worker.run([]() { KJ_FAIL_REQUIRE("the disk is gone"); }).wait(io.waitScope); });
  auto text = kj::str(KJ_ASSERT_NONNULL(failure).getDescription());
  EXPECT_STREQ(text.cStr(), "the disk is gone");
}

TEST(WorkerTest, ManyTasksAllComeBack) {
  auto io = kj::setupAsyncIo();
  Worker worker(2);
  kj::Vector<kj::Promise<int>> promises;
  for (int i = 0; i < 1000; ++i) promises.add(worker.run([i]() { return i; }));
  auto results = kj::joinPromises(promises.releaseAsArray()).wait(io.waitScope);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(results[static_cast<size_t>(i)], i);
}

TEST(WorkerTest, TaskIsDestroyedBeforeItsResultArrives) {
  struct Noted {
    explicit Noted(std::atomic<bool>& flag) : gone(flag) {}
    ~Noted() { gone = true; }
    std::atomic<bool>& gone;
  };
  auto io = kj::setupAsyncIo();
  Worker worker;
  for (int i = 0; i < 100; ++i) {
    std::atomic<bool> gone = false;
    worker.run([noted = kj::heap<Noted>(gone)]() {}).wait(io.waitScope);
    ASSERT_TRUE(gone);
  }
}

TEST(WorkerTest, DroppedTaskIsNotRunIfItStillWaits) {
  auto io = kj::setupAsyncIo();
  std::atomic<int> ran = 0;
  std::atomic<bool> mayGo = false;
  {
    Worker worker(1);
    auto first = worker.run([&]() { mayGo.wait(false); });
    {
      auto dropped = worker.run([&]() { ++ran; });
    }
    mayGo = true;
    mayGo.notify_all();
    first.wait(io.waitScope);
    worker.run([]() {}).wait(io.waitScope);
  }
  EXPECT_EQ(ran, 0);
}

// Tasks that do not return until go().
class StuckTasks {
 public:
  explicit StuckTasks(Worker& worker) : worker_(worker) {}
  ~StuckTasks() { go(); }
  void add(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      worker_.start([this]() {
        ++begun_;
        mayGo_.wait(false);
      });
    }
    EXPECT_TRUE(becomesTrue([this, wanted = added_ += count]() { return begun_ == wanted; }));
  }
  void go() {
    mayGo_ = true;
    mayGo_.notify_all();
    EXPECT_TRUE(worker_.awaitAll(10 * kj::SECONDS));
  }

 private:
  Worker& worker_;
  size_t added_ = 0;
  std::atomic<size_t> begun_ = 0;
  std::atomic<bool> mayGo_ = false;
};

TEST(WorkerTest, StuckThreadsAreReplaced) {
  auto io = kj::setupAsyncIo();
  Worker worker(2, 10 * kj::MILLISECONDS);
  StuckTasks stuck(worker);
  stuck.add(2);
  EXPECT_EQ(worker.run([]() { return 7; }).wait(io.waitScope), 7);
  stuck.go();
  EXPECT_EQ(worker.run([]() { return 8; }).wait(io.waitScope), 8);
}

TEST(WorkerTest, TasksAreRefusedWhenTooManyAreStuck) {
  auto io = kj::setupAsyncIo();
  Worker worker(1, 5 * kj::MILLISECONDS);
  StuckTasks stuck(worker);
  stuck.add(1 + Worker::kReplacementsMax);
  auto refusal = [&]() {
    return kj::runCatchingExceptions([&]() { worker.run([]() {}).wait(io.waitScope); });
  };
  EXPECT_TRUE(becomesTrue([&]() {
    auto failure = worker.run([]() {}).then([]() { return false; },
                                            [](kj::Exception&& exception) {
                                              return support::toFailure(exception, "test").kind ==
                                                     wire::Error::Kind::OVERLOADED;
                                            });
    return failure.poll(io.waitScope) && failure.wait(io.waitScope);
  }));
  stuck.go();
  EXPECT_TRUE(refusal() == nullptr);
}

TEST(WorkerTest, CloseGivesUpOnAStuckTask) {
  auto io = kj::setupAsyncIo();
  std::atomic<bool> begun = false;
  std::atomic<bool> mayGo = false;
  Worker worker(2);
  auto stuck = worker.run([&]() {
    begun = true;
    begun.notify_all();
    mayGo.wait(false);
  });
  begun.wait(false);
  EXPECT_FALSE(worker.close(20 * kj::MILLISECONDS));
  mayGo = true;
  mayGo.notify_all();
  EXPECT_TRUE(worker.close(10 * kj::SECONDS));
}

}  // namespace
}  // namespace nodeagent
