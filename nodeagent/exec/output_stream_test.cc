// Tries a stream that is ended from outside while its pipe still holds bytes that were written in
// time.
#include "nodeagent/exec/output_stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include <gtest/gtest.h>
#include <kj/async-unix.h>
#include <kj/debug.h>

namespace nodeagent::exec {
namespace {

class OutputStreamTest : public testing::Test {
 protected:
  OutputStreamTest() {
    int ends[2];
    KJ_SYSCALL(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
    write_ = kj::AutoCloseFd(ends[1]);
    limits_.memoryOfStreamBytesMax = 100;
    stream_ =
        kj::heap<OutputStream>(port_, port_.getTimer(), kj::AutoCloseFd(ends[0]), spool_,
                               OutputPolicy{100, wire::JobSpec::Overflow::BLOCK}, limits_, []() {});
  }
  ~OutputStreamTest() noexcept override {}

  void print(size_t count) {
    std::string bytes(count, 'x');
    ASSERT_EQ(::write(write_, bytes.data(), count), static_cast<ssize_t>(count));
  }
  const OutputBuffer& buffer() const { return stream_->buffer(); }

  kj::UnixEventPort port_;
  kj::EventLoop loop_{port_};
  kj::WaitScope waitScope_{loop_};
  JobLimits limits_;
  Worker worker_;
  Spool spool_{nullptr, limits_, worker_};
  kj::AutoCloseFd write_;
  kj::Own<OutputStream> stream_;
};

// A deadline can come between the end of a command and the arrival of its last byte.
TEST_F(OutputStreamTest, BytesInThePipeOfADetachedStreamAreKept) {
  print(60);
  stream_->detach();
  EXPECT_TRUE(stream_->ended());
  EXPECT_EQ(buffer().producedBytes(), 60u);
  EXPECT_EQ(buffer().available(0), 60u);
}

TEST_F(OutputStreamTest, BytesOfADetachedStreamThatDoNotFitAreCounted) {
  print(1000);
  auto pump = stream_->pump().eagerlyEvaluate(nullptr);
  while (!stream_->stalled()) waitScope_.poll();
  EXPECT_EQ(buffer().producedBytes(), 100u);
  stream_->detach();
  EXPECT_EQ(buffer().producedBytes(), 1000u);
}

// The reader releases bytes in the same turn in which the last writer goes.
TEST_F(OutputStreamTest, AReleaseAfterTheEndBringsTheRest) {
  print(250);
  auto pump = stream_->pump().eagerlyEvaluate(nullptr);
  while (!stream_->stalled()) waitScope_.poll();
  write_ = nullptr;
  for (uint64_t to = 100; !stream_->ended() && to < 1000; to += 100) {
    stream_->release(to);
    while (!stream_->ended() && !stream_->stalled()) waitScope_.poll();
  }
  pump.wait(waitScope_);
  EXPECT_EQ(buffer().producedBytes(), 250u);
}

}  // namespace
}  // namespace nodeagent::exec
