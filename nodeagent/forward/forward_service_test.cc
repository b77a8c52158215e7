// Tries streams and listeners by their capability: offsets, windows, ends, and what sessions leave.
#include "nodeagent/forward/forward_service.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/forward/forward_table.h"
#include "nodeagent/os/wait_testing.h"
#include "nodeagent/session/service_testing.h"
#include "schema/forward.capnp.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/endpoint.h"
#include "schema/support/base/socket.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

using forward::kStreamsMax;

constexpr int64_t kWaitNs = 5'000'000'000;

std::string textOf(capnp::Data::Reader data) {
  return std::string(data.asChars().begin(), data.size());
}

// A server that is no part of the service, and neither accepts nor reads unless it is told to.
class PlainServer {
 public:
  // Listens at a path, or at a port of loopback if it is empty.
  explicit PlainServer(const std::string& path, int backlog = 1024)
      : socket_(::socket(path.empty() ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage address{};
    socklen_t size = 0;
    if (path.empty()) {
      auto* port = reinterpret_cast<sockaddr_in*>(&address);
      *port = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
      size = sizeof *port;
    } else {
      auto* file = reinterpret_cast<sockaddr_un*>(&address);
      file->sun_family = AF_UNIX;
      path.copy(file->sun_path, sizeof file->sun_path - 1);
      size = sizeof *file;
    }
    auto* general = reinterpret_cast<sockaddr*>(&address);
    KJ_SYSCALL(::bind(socket_, general, size));
    KJ_SYSCALL(::listen(socket_, backlog));
    KJ_SYSCALL(::getsockname(socket_, general, &size));
    place_ = path.empty()
                 ? "tcp:127.0.0.1:" +
                       std::to_string(ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port))
                 : "unix:" + path;
  }

  const std::string& place() const { return place_; }
  kj::AutoCloseFd accept() const {
    return kj::AutoCloseFd(::accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }

 private:
  kj::AutoCloseFd socket_;
  std::string place_;
};

// Connects without waiting for the answer.
kj::AutoCloseFd beginConnection(const std::string& place) {
  std::string why;
  auto endpoint = support::Endpoint::fromText(place, &why);
  KJ_REQUIRE(endpoint.has_value(), why.c_str());
  auto socket = support::openSocket(*endpoint);
  int result = ::connect(socket, endpoint->socketAddress(), endpoint->addressBytes);
  KJ_REQUIRE(result == 0 || errno == EINPROGRESS, errno);
  return socket;
}

bool isConnected(int socket) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  return ::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

class ForwardServiceTest : public testing::Test {
 protected:
  ForwardServiceTest() {
    ::mkdtemp(top_.data());
    host_.host.stateDirectory = top_.c_str();
    service_ = makeForward(host_.host);
  }
  ~ForwardServiceTest() noexcept override { std::filesystem::remove_all(top_); }

  std::string listen(uint64_t number, const std::string& place) {
    auto request = forwards_.listenRequest();
    request.setListener(number);
    request.setPlace(place.c_str());
    auto response = request.send().wait(io_.waitScope);
    return response.hasError() ? response.getError().getText().cStr() : response.getBound().cStr();
  }

  auto connect(uint64_t stream, const std::string& target) {
    auto request = forwards_.connectRequest();
    request.setStream(stream);
    request.setTarget(target.c_str());
    return request.send().wait(io_.waitScope);
  }

  auto accept(uint64_t after) {
    auto request = forwards_.acceptRequest();
    request.setListener(1);
    request.setAfter(after);
    request.setWaitNs(kWaitNs);
    return request.send().wait(io_.waitScope);
  }

  auto read(uint64_t stream, uint64_t from, int64_t waitNs = kWaitNs) {
    auto request = forwards_.readRequest();
    request.setStream(stream);
    request.setFrom(from);
    request.setBytesMax(1 << 20);
    request.setWaitNs(waitNs);
    return request.send().wait(io_.waitScope);
  }

  auto write(uint64_t stream, uint64_t offset, const std::string& bytes, bool isEnd = false) {
    auto request = forwards_.writeRequest();
    auto data = kj::arrayPtr(bytes.data(), bytes.size()).asBytes();
    request.setStream(stream);
    request.initChunk().setOffset(offset);
    request.getChunk().setData(data);
    request.getChunk().setCrc32c(support::crc32c(data));
    request.setEnd(isEnd);
    return request.send().wait(io_.waitScope);
  }

  auto close(uint64_t stream) {
    auto request = forwards_.closeRequest();
    request.initStreams(1).set(0, stream);
    return request.send().wait(io_.waitScope);
  }

  // Connects stream 1 to a listener of the service itself, which accepts the other end.
  uint64_t connectPair() {
    EXPECT_FALSE(connect(1, listen(1, "tcp:127.0.0.1:0")).hasError());
    auto accepted = accept(0);
    return accepted.getStreams()[0];
  }

  std::string top_ = "/tmp/forward-XXXXXX";
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  TestHost host_{io_};
  kj::Own<AgentService> service_;
  kj::Own<Session> session_ = newSession(io_.provider->getTimer());
  wire::Forwards::Client forwards_ = nullptr;

  void SetUp() override { forwards_ = offered<wire::Forwards>(*service_, *session_); }
};

TEST_F(ForwardServiceTest, BytesGoBothWaysAndEndsArrive) {
  uint64_t other = connectPair();
  EXPECT_GE(other, uint64_t{1} << 63);
  EXPECT_EQ(write(1, 0, "hello", true).getAcceptedTo(), 5u);
  EXPECT_EQ(textOf(read(other, 0).getChunk().getData()), "hello");
  EXPECT_TRUE(read(other, 5).getEnded());
  write(other, 0, "back");
  EXPECT_EQ(textOf(read(1, 0).getChunk().getData()), "back");
}

TEST_F(ForwardServiceTest, CallsThatAreSentAgainChangeNothing) {
  uint64_t other = connectPair();
  EXPECT_FALSE(connect(1, "tcp:127.0.0.1:1").hasError());
  write(1, 0, "hello");
  EXPECT_EQ(write(1, 0, "hello").getAcceptedTo(), 5u);
  EXPECT_EQ(write(1, 3, "lo you").getAcceptedTo(), 9u);
  EXPECT_EQ(write(1, 20, "gap").getError().getKind(), Kind::CORRUPT);
  std::string got;
  while (got.size() < 9) got += textOf(read(other, got.size()).getChunk().getData());
  EXPECT_EQ(got, "hello you");
  EXPECT_EQ(textOf(read(other, got.size(), 0).getChunk().getData()), "");
  EXPECT_EQ(read(other, 3).getError().getKind(), Kind::CORRUPT);
}

TEST_F(ForwardServiceTest, UnreadBytesAreAnsweredAgain) {
  uint64_t other = connectPair();
  write(1, 0, "hello");
  EXPECT_EQ(textOf(read(other, 0).getChunk().getData()), "hello");
  EXPECT_EQ(textOf(read(other, 0).getChunk().getData()), "hello");
  EXPECT_EQ(textOf(read(other, 2).getChunk().getData()), "llo");
}

// Nobody reads at the other end, so the sender is held up after both windows and the kernel's.
TEST_F(ForwardServiceTest, WindowHoldsTheFasterSideUp) {
  connectPair();
  uint64_t offset = 0;
  std::string chunk(256 << 10, 'x');
  for (int i = 0, stalls = 0; i < 4000 && stalls < 5; ++i) {
    auto request = forwards_.writeRequest();
    auto data = kj::arrayPtr(chunk.data(), chunk.size()).asBytes();
    request.setStream(1);
    request.initChunk().setOffset(offset);
    request.getChunk().setData(data);
    request.getChunk().setCrc32c(support::crc32c(data));
    request.setWaitNs(100'000'000);
    uint64_t accepted = request.send().wait(io_.waitScope).getAcceptedTo();
    stalls = accepted == offset ? stalls + 1 : 0;
    offset = accepted;
  }
  EXPECT_GT(offset, uint64_t{1} << 20);
  EXPECT_LT(offset, uint64_t{24} << 20);
}

TEST_F(ForwardServiceTest, RefusalsSayWhatWasTried) {
  EXPECT_THAT(connect(1, "tcp:127.0.0.1:1").getError().getText().cStr(),
              testing::HasSubstr("connect to tcp:127.0.0.1:1: Connection refused"));
  EXPECT_EQ(connect(2, "tls:127.0.0.1:1").getError().getKind(), Kind::INVALID);
  EXPECT_EQ(connect(0, "tcp:127.0.0.1:1").getError().getKind(), Kind::INVALID);
  EXPECT_THAT(listen(1, "tcp:0.0.0.0:0"), testing::HasSubstr("not a loopback address"));
  EXPECT_EQ(read(7, 0).getError().getKind(), Kind::NOT_FOUND);
}

// The server's queue of connections is full, so that one more is neither accepted nor refused.
TEST_F(ForwardServiceTest, StreamThatIsClosedWhileItConnectsStaysClosed) {
  PlainServer server("", 0);
  std::vector<kj::AutoCloseFd> others;
  for (int i = 0; i < 8; ++i) others.push_back(beginConnection(server.place()));
  ASSERT_TRUE(becomesTrue([&] { return isConnected(others[0]); }));
  auto request = forwards_.connectRequest();
  request.setStream(1);
  request.setTarget(server.place().c_str());
  auto connecting = request.send();
  io_.waitScope.poll();
  close(1);
  EXPECT_EQ(connecting.wait(io_.waitScope).getError().getKind(), Kind::NOT_FOUND);
  EXPECT_EQ(read(1, 0).getError().getKind(), Kind::NOT_FOUND);
  // What is closed twice would be counted twice, and no number is below 0.
  close(1);
  EXPECT_FALSE(connect(2, listen(1, "tcp:127.0.0.1:0")).hasError());
}

// Whether the caller closes the stream or ends its session then: a socket's buffer holds less than
// was written, and the peer takes it late.
TEST_F(ForwardServiceTest, BytesThatWereTakenAreDeliveredBeforeTheEnd) {
  PlainServer server(top_ + "/server");
  connect(1, server.place());
  std::string part(200'000, 'x');
  for (uint64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(write(1, i * part.size(), part).getAcceptedTo(), (i + 1) * part.size());
  }
  close(1);
  EXPECT_EQ(read(1, 0).getError().getKind(), Kind::NOT_FOUND);
  auto end = session_->end(EndReason::kClosed);
  auto peer = server.accept();
  // What the peer sends meanwhile must not hold it up.
  size_t sent = 0;
  EXPECT_TRUE(becomesTrue([&] {
    io_.waitScope.poll();
    ssize_t count = ::send(peer, part.data(), part.size(), MSG_NOSIGNAL);
    if (count > 0) sent += static_cast<size_t>(count);
    return sent > 800'000;
  }));
  size_t received = 0;
  EXPECT_TRUE(becomesTrue([&] {
    io_.waitScope.poll();
    ssize_t count = ::recv(peer, part.data(), part.size(), 0);
    if (count > 0) received += static_cast<size_t>(count);
    return count == 0;
  }));
  EXPECT_EQ(received, 800'000u);
  end.wait(io_.waitScope);
}

// The last place is taken between the moment in which a connection comes and its acceptance.
TEST_F(ForwardServiceTest, ListenerOutlivesTheBoundOfStreams) {
  PlainServer server(top_ + "/server");
  std::string place = listen(1, "tcp:127.0.0.1:0");
  for (uint64_t stream = 1; stream < kStreamsMax; ++stream) {
    ASSERT_FALSE(connect(stream, server.place()).hasError()) << stream;
  }
  auto client = beginConnection(place);
  ASSERT_TRUE(becomesTrue([&] { return isConnected(client); }));
  EXPECT_FALSE(connect(kStreamsMax, server.place()).hasError());
  // Now the loop sees the connection.
  io_.waitScope.poll();
  EXPECT_EQ(connect(kStreamsMax + 1, server.place()).getError().getKind(), Kind::OVERLOADED);
  close(7);
  auto accepted = accept(0);
  ASSERT_EQ(accepted.getStreams().size(), 1u) << accepted.getError().getText().cStr();
  write(accepted.getStreams()[0], 0, "hello");
  char buffer[8];
  EXPECT_TRUE(becomesTrue([&] {
    io_.waitScope.poll();
    return ::recv(client, buffer, sizeof buffer, 0) == 5;
  }));
}

TEST_F(ForwardServiceTest, PlaceThatCannotBeListenedAtIsNotNoted) {
  std::filesystem::create_directories(top_ + "/sockets/directory");
  EXPECT_THAT(listen(1, "unix:" + top_ + "/sockets/directory"), testing::HasSubstr("in use"));
  EXPECT_TRUE(std::filesystem::is_empty(top_ + "/forwards"));
  EXPECT_FALSE(std::filesystem::exists(top_ + "/sockets/directory.lock"));
  listen(1, "unix:" + top_ + "/sockets/s");
  EXPECT_THAT(listen(2, "unix:" + top_ + "/sockets/s"), testing::HasSubstr("listens there"));
  EXPECT_FALSE(std::filesystem::is_empty(top_ + "/forwards")) << "it is the first listener's";
}

TEST_F(ForwardServiceTest, EndOfTheSessionLeavesNothing) {
  std::string path = top_ + "/sockets/s";
  listen(1, "unix:" + path);
  EXPECT_TRUE(std::filesystem::exists(path));
  connect(1, "unix:" + path);
  session_->end(EndReason::kClosed).wait(io_.waitScope);
  EXPECT_TRUE(std::filesystem::is_empty(top_ + "/sockets"));
  EXPECT_TRUE(std::filesystem::is_empty(top_ + "/forwards"));
  EXPECT_EQ(read(1, 0).getError().getKind(), Kind::EXPIRED);
}

// What a killed keeper leaves: the file of a socket that nobody serves, its lock, and the note.
TEST_F(ForwardServiceTest, SocketOfAKilledKeeperIsRemoved) {
  std::string path = top_ + "/sockets/s";
  listen(1, "unix:" + path);
  std::filesystem::copy(
      top_ + "/forwards", top_ + "/notes",
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  session_->end(EndReason::kClosed).wait(io_.waitScope);
  int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(dead);
  std::filesystem::remove(top_ + "/forwards");
  std::filesystem::rename(top_ + "/notes", top_ + "/forwards");
  auto next = makeForward(host_.host);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(std::filesystem::is_empty(top_ + "/forwards"));
}

}  // namespace
}  // namespace nodeagent
