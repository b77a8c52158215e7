// Tries tasks on other threads: results, failures, order of destruction, and the end.
#include "nodeagent/os/worker.h"

#include <pthread.h>

#include <atomic>

#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/debug.h>

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
