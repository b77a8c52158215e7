// Tries a stream over one end of a socket pair, whose other end the test reads, writes and closes.
#include "schema/support/rpc/socket_stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include <gtest/gtest.h>
#include <kj/debug.h>

namespace support {
namespace {

constexpr size_t kMuchBytes = 8 << 20;  // More than two sockets hold.

class SocketStreamTest : public testing::Test {
 protected:
  SocketStreamTest() {
    int ends[2];
    KJ_SYSCALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    near_ = kj::heap<SocketStream>(io_.unixEventPort, kj::AutoCloseFd(ends[0]));
    far_ = kj::AutoCloseFd(ends[1]);
  }
  ~SocketStreamTest() noexcept override {}

  std::string read(size_t minBytes) {
    char buffer[4096];
    size_t count = near_->tryRead(buffer, minBytes, sizeof buffer).wait(io_.waitScope);
    return std::string(buffer, count);
  }

  void send(const std::string& text) {
    ASSERT_EQ(::write(far_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  // Lets the loop see all that there is to see.
  void turn() { io_.provider->getTimer().afterDelay(2 * kj::MILLISECONDS).wait(io_.waitScope); }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  kj::Own<SocketStream> near_;
  kj::AutoCloseFd far_;
};

TEST_F(SocketStreamTest, ReadsWhatIsThereAndWaitsForTheRest) {
  send("one");
  EXPECT_EQ(read(1), "one");
  char buffer[6];
  auto six = near_->tryRead(buffer, 6, 6);
  EXPECT_FALSE(six.poll(io_.waitScope));
  send("two");
  EXPECT_FALSE(six.poll(io_.waitScope));
  send("six");
  EXPECT_EQ(six.wait(io_.waitScope), 6u);
  EXPECT_EQ(std::string(buffer, 6), "twosix");
}

TEST_F(SocketStreamTest, ArrivalBetweenTwoReadsIsNotMissed) {
  for (int i = 0; i < 20; ++i) {
    send("some");
    EXPECT_EQ(read(1), "some");  // Not filled: the socket is known to be empty.
    send("more");
    turn();  // Told while nobody reads.
    EXPECT_EQ(read(1), "more");
    turn();
  }
}

TEST_F(SocketStreamTest, EndThatCameWithTheLastBytesIsRead) {
  send("last");
  far_ = nullptr;  // Told together with the bytes.
  turn();
  EXPECT_EQ(read(1), "last");
  EXPECT_EQ(read(1), "");
  EXPECT_EQ(read(1), "");
}

TEST_F(SocketStreamTest, EndThatCameAfterTheLastBytesIsRead) {
  send("last");
  EXPECT_EQ(read(1), "last");
  char buffer[8];
  auto end = near_->tryRead(buffer, 1, sizeof buffer);
  EXPECT_FALSE(end.poll(io_.waitScope));
  far_ = nullptr;
  EXPECT_EQ(end.wait(io_.waitScope), 0u);
}

TEST_F(SocketStreamTest, DroppedReadConsumesNothing) {
  char buffer[8];
  {
    auto dropped = near_->tryRead(buffer, 1, sizeof buffer);
    EXPECT_FALSE(dropped.poll(io_.waitScope));
  }
  send("kept");
  turn();
  EXPECT_EQ(read(4), "kept");
}

TEST_F(SocketStreamTest, LongWriteArrivesWholeAndInOrder) {
  auto bytes = kj::heapArray<kj::byte>(kMuchBytes);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<kj::byte>(i * 2654435761u >> 21);
  kj::Vector<kj::ArrayPtr<const kj::byte>> pieces;
  size_t sizes[] = {0, 1, 4096, 100'000};
  for (size_t at = 0, i = 0; at < bytes.size(); ++i) {
    size_t size = kj::min(sizes[i % 4], bytes.size() - at);
    pieces.add(bytes.slice(at, at + size));
    at += size;
  }
  SocketStream reader(io_.unixEventPort, kj::mv(far_));
  for (int round = 0; round < 2;
       ++round) {  // The second round begins after a write that had to wait.
    auto arrived = kj::heapArray<kj::byte>(kMuchBytes);
    auto written = near_->write(pieces.asPtr());
    EXPECT_FALSE(written.poll(io_.waitScope));
    auto count = reader.tryRead(arrived.begin(), kMuchBytes, kMuchBytes);
    written.wait(io_.waitScope);
    EXPECT_EQ(count.wait(io_.waitScope), kMuchBytes);
    EXPECT_TRUE(arrived == bytes);
    near_->write("x", 1).wait(io_.waitScope);
    EXPECT_EQ(reader.tryRead(arrived.begin(), 1, 1).wait(io_.waitScope), 1u);
  }
}

TEST_F(SocketStreamTest, WriteToAGonePeerIsRejected) {
  auto gone = near_->whenWriteDisconnected();
  auto again = near_->whenWriteDisconnected();
  EXPECT_FALSE(gone.poll(io_.waitScope));
  far_ = nullptr;
  gone.wait(io_.waitScope);
  again.wait(io_.waitScope);
  EXPECT_ANY_THROW(near_->write("x", 1).wait(io_.waitScope));
}

}  // namespace
}  // namespace support
