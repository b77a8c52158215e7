// Tries the service through its capability, with listeners and files of the test.
#include "nodeagent/wait/wait_service.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <kj/async-io.h>
#include <kj/io.h>

#include "nodeagent/session/service_testing.h"
#include "nodeagent/wait/connect.h"
#include "schema/wait.capnp.h"

namespace nodeagent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = wire::Error::Kind;

constexpr int64_t kLong = 20'000'000'000;

// Listens on a port of its own.
class Listener {
 public:
  explicit Listener(int queue = 16) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    KJ_SYSCALL(::bind(socket_, reinterpret_cast<sockaddr*>(&address), bytes));
    KJ_SYSCALL(::listen(socket_, queue));
    KJ_SYSCALL(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &bytes));
    port_ = ntohs(address.sin_port);
  }

  uint16_t port() const { return port_; }

  // Accepts one connection and sends `answer` when a request has come.
  void serveOnce(const std::string& answer) {
    kj::AutoCloseFd peer(::accept(socket_, nullptr, nullptr));
    char request[4096];
    KJ_ASSERT(::recv(peer, request, sizeof request, 0) > 0);
    KJ_ASSERT(::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(answer.size()));
  }

 private:
  kj::AutoCloseFd socket_;
  uint16_t port_ = 0;
};

// Binds a unix socket that does not listen.
kj::AutoCloseFd bindSocket(const std::string& path) {
  kj::AutoCloseFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  KJ_SYSCALL(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address));
  return socket;
}

// Keeps each line as "operation key=value ...".
class RecordingAudit final : public AuditLog {
 public:
  Line line(const Session&, std::string_view operation, support::Fields fields) override {
    std::string line(operation);
    for (const support::Field& field : fields) {
      line += " " + std::string(field.key) + "=" + field.value;
    }
    // Called on a thread, whose end the test waits for.
    return [this, line]() { lines.push_back(line); };
  }
  kj::Maybe<kj::Promise<void>> record(const Session&, std::string_view, support::Fields) override {
    KJ_FAIL_REQUIRE("no effect is one of the loop");
  }

  std::vector<std::string> lines;
};

class WaitServiceTest : public ::testing::Test {
 protected:
  WaitServiceTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "muster-wait-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~WaitServiceTest() noexcept override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  auto request(int64_t waitNs = 0) {
    auto request = waits_.awaitRequest();
    request.setWaitNs(waitNs);
    return request;
  }
  template <typename Request>
  auto answerOf(Request&& request) {
    return request.send().wait(io_.waitScope);
  }
  auto lookAtPort(uint16_t port, kj::StringPtr host = "", bool isAbsent = false) {
    auto asked = request();
    asked.initCondition().setAbsent(isAbsent);
    asked.getCondition().initPort().setNumber(port);
    asked.getCondition().getPort().setHost(host);
    return answerOf(asked);
  }
  auto lookAtSocket(const std::string& path, bool isAbsent = false) {
    auto asked = request();
    asked.initCondition().setAbsent(isAbsent);
    asked.getCondition().setSocket(kj::StringPtr(path.c_str()).asBytes());
    return answerOf(asked);
  }
  auto lookAtUrl(kj::StringPtr url, bool isAbsent = false) {
    auto asked = request();
    asked.initCondition().setAbsent(isAbsent);
    asked.getCondition().initHttp().setUrl(url);
    return answerOf(asked);
  }
  auto lookAtFile(const std::string& path, int64_t waitNs = 0, bool isAbsent = false) {
    auto asked = request(waitNs);
    asked.initCondition().setAbsent(isAbsent);
    asked.getCondition().setFile(kj::StringPtr(path.c_str(), path.size()).asBytes());
    return answerOf(asked);
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  TestHost node_{io_};
  RecordingAudit audit_;
  ServiceHost host_{
      node_.host.port, node_.host.timer, node_.host.platform, audit_, "n1", "boot-1", "", ""};
  kj::Own<AgentService> service_ = makeWait(host_);
  kj::Own<Session> session_ = newSession(io_.provider->getTimer());
  wire::Waits::Client waits_ = offered<wire::Waits>(*service_, *session_);
  std::string directory_;
};

TEST_F(WaitServiceTest, PortIsOpenWhileSomethingListens) {
  uint16_t port = 0;
  {
    Listener listener;
    port = listener.port();
    EXPECT_TRUE(lookAtPort(port).getHolds());
    EXPECT_TRUE(lookAtPort(port, "localhost").getHolds());
  }
  auto closed = lookAtPort(port);
  EXPECT_FALSE(closed.getHolds());
  EXPECT_STREQ(closed.getSeen().cStr(),
               kj::str("connect to 127.0.0.1 port ", port, ": Connection refused").cStr());
}

// A full queue drops what comes, so that nothing answers in time.
TEST_F(WaitServiceTest, ListenerThatDoesNotAcceptIsNotGone) {
  Listener listener(0);
  bool isFull = false;
  for (int i = 0; i < 10 && !isFull; ++i) isFull = !lookAtPort(listener.port()).getHolds();
  ASSERT_TRUE(isFull);
  auto asked = request();
  asked.initCondition().setAbsent(true);
  asked.getCondition().initPort().setNumber(listener.port());
  auto seen = answerOf(asked);
  EXPECT_FALSE(seen.getHolds());
  EXPECT_THAT(seen.getSeen().cStr(), HasSubstr("no answer in time"));
}

TEST_F(WaitServiceTest, HostThatNobodyKnowsIsSeen) {
  EXPECT_THAT(lookAtPort(1, "no-such-host.invalid").getSeen().cStr(),
              HasSubstr("resolve no-such-host.invalid: the node knows no host of this name"));
}

TEST_F(WaitServiceTest, SocketAcceptsOnlyWhenListening) {
  std::string path = directory_ + "/socket";
  EXPECT_THAT(lookAtSocket(path).getSeen().cStr(), HasSubstr("No such file"));
  kj::AutoCloseFd socket = bindSocket(path);
  EXPECT_THAT(lookAtSocket(path).getSeen().cStr(), HasSubstr("refused"));
  EXPECT_TRUE(lookAtSocket(path, true).getHolds());
  KJ_SYSCALL(::listen(socket, 4));
  EXPECT_TRUE(lookAtSocket(path).getHolds());
}

TEST_F(WaitServiceTest, SocketWhoseQueueIsFullIsNotGone) {
  std::string path = directory_ + "/socket";
  kj::AutoCloseFd socket = bindSocket(path);
  KJ_SYSCALL(::listen(socket, 0));
  bool isFull = false;
  for (int i = 0; i < 10 && !isFull; ++i) isFull = !lookAtSocket(path).getHolds();
  ASSERT_TRUE(isFull);
  auto seen = lookAtSocket(path, true);
  EXPECT_FALSE(seen.getHolds());
  EXPECT_THAT(seen.getSeen().cStr(), HasSubstr("queue of connections is full"));
}

TEST_F(WaitServiceTest, PathThatNoSocketCanHaveIsRefused) {
  std::string longest = "/" + std::string(wait::kUnixPathBytesMax - 1, 's');
  EXPECT_TRUE(lookAtSocket(longest, true).getHolds());
  auto refused = lookAtSocket(longest + "s", true);
  auto error = refused.getError();
  EXPECT_EQ(error.getKind(), Kind::INVALID);
  EXPECT_THAT(error.getText().cStr(),
              HasSubstr("socket: is not an absolute path of 1 to 107 bytes; it has 108"));
}

// What cannot be looked at may be there.
TEST_F(WaitServiceTest, LookThatFailsIsNoAbsence) {
  std::string loop = directory_ + "/loop";
  std::filesystem::create_symlink(loop, loop);
  auto file = lookAtFile(loop + "/file", 0, true);
  EXPECT_FALSE(file.getHolds());
  EXPECT_THAT(file.getSeen().cStr(), HasSubstr("symbolic links"));
  EXPECT_FALSE(lookAtFile(directory_ + "/" + std::string(300, 'n'), 0, true).getHolds());
  EXPECT_FALSE(lookAtSocket(loop + "/socket", true).getHolds());
  EXPECT_FALSE(lookAtPort(1, "no-such-host.invalid", true).getHolds());
  Listener silent;
  EXPECT_FALSE(lookAtUrl(kj::str("http://127.0.0.1:", silent.port()), true).getHolds());
}

TEST_F(WaitServiceTest, WhatIsNotThereIsAbsent) {
  std::ofstream(directory_ + "/file").flush();
  EXPECT_TRUE(lookAtFile(directory_ + "/none", 0, true).getHolds());
  EXPECT_TRUE(lookAtFile(directory_ + "/file/below", 0, true).getHolds());
  EXPECT_TRUE(lookAtSocket(directory_ + "/file/below", true).getHolds());
  uint16_t closed = Listener().port();
  EXPECT_TRUE(lookAtPort(closed, "", true).getHolds());
  EXPECT_TRUE(lookAtUrl(kj::str("http://127.0.0.1:", closed), true).getHolds());
}

TEST_F(WaitServiceTest, WaitEndsSoonWhenTheFileComesOrGoes) {
  std::string path = directory_ + "/file";
  EXPECT_FALSE(lookAtFile(path).getHolds());
  auto asked = request(kLong);
  asked.initCondition().setFile(kj::StringPtr(path.c_str()).asBytes());
  auto waiting = asked.send();
  EXPECT_FALSE(waiting.poll(io_.waitScope));
  std::ofstream file(path);
  EXPECT_TRUE(waiting.wait(io_.waitScope).getHolds());
  EXPECT_FALSE(lookAtFile(path, 100'000'000, true).getHolds());
  std::filesystem::remove(path);
  EXPECT_TRUE(lookAtFile(path, kLong, true).getHolds());
}

TEST_F(WaitServiceTest, ProcessAndMountAreFoundByName) {
  // Other tests of this program may run at the same time.
  auto name = kj::str("wait-", ::getpid());
  ::prctl(PR_SET_NAME, name.cStr());
  auto asked = request();
  asked.initCondition().setProcess(name);
  EXPECT_THAT(answerOf(asked).getSeen().cStr(), HasSubstr(std::to_string(::getpid())));
  auto absent = request();
  absent.initCondition().setProcess("no-such-program");
  EXPECT_FALSE(answerOf(absent).getHolds());
  for (auto& [path, isMounted] : {std::pair("/proc", true), std::pair("/proc/", true),
                                  std::pair("/proc/self", false), std::pair("/pro", false)}) {
    auto mount = request();
    mount.initCondition().setMount(kj::StringPtr(path).asBytes());
    EXPECT_EQ(answerOf(mount).getHolds(), isMounted) << path;
  }
}

TEST_F(WaitServiceTest, StatusOfAServerIsCompared) {
  Listener listener;
  auto look = [&](uint16_t wanted, const std::string& answer) {
    std::thread server([&] { listener.serveOnce(answer); });
    auto asked = request();
    auto http = asked.initCondition().initHttp();
    http.setUrl(kj::str("http://127.0.0.1:", listener.port(), "/health"));
    http.setStatus(wanted);
    auto seen = answerOf(asked);
    server.join();
    return std::pair(seen.getHolds(), std::string(seen.getSeen().cStr()));
  };
  EXPECT_EQ(look(0, "HTTP/1.1 204 x\r\n\r\n"), std::pair(true, std::string("status 204")));
  EXPECT_EQ(look(0, "HTTP/1.1 503 x\r\n\r\n"), std::pair(false, std::string("status 503")));
  EXPECT_EQ(look(503, "HTTP/1.1 503 x\r\n\r\n"), std::pair(true, std::string("status 503")));
  EXPECT_FALSE(look(0, "SSH-2.0\r\n").first);
}

// A server may take a GET for more than a question. One line tells of all looks of a wait.
TEST_F(WaitServiceTest, GetsAreInTheAuditLog) {
  uint16_t closed = Listener().port();
  auto url = kj::str("http://127.0.0.1:", closed, "/x");
  auto waiting = request(100'000'000);
  waiting.initCondition().initHttp().setUrl(url);
  EXPECT_FALSE(answerOf(waiting).getHolds());
  auto asked = waits_.getRequest();
  asked.setUrl(url);
  asked.setDeadlineNs(kLong);
  answerOf(asked);
  EXPECT_FALSE(lookAtPort(closed).getHolds());
  std::string place = " host=127.0.0.1 port=" + std::to_string(closed);
  EXPECT_THAT(audit_.lines, ElementsAre("waits.await" + place, "waits.get" + place));
}

TEST_F(WaitServiceTest, GetAnswersStatusHeadersAndBody) {
  Listener listener;
  std::thread server([&] { listener.serveOnce("HTTP/1.1 404 x\r\nServer: fake\r\n\r\nnone"); });
  auto asked = waits_.getRequest();
  asked.setUrl(kj::str("http://127.0.0.1:", listener.port(), "/x"));
  asked.setDeadlineNs(kLong);
  auto answer = answerOf(asked);
  server.join();
  EXPECT_EQ(answer.getStatus(), 404);
  ASSERT_EQ(answer.getHeaders().size(), 1u);
  EXPECT_STREQ(answer.getHeaders()[0].getName().cStr(), "Server");
  EXPECT_EQ(kj::str(answer.getBody().asChars()), "none");
}

TEST_F(WaitServiceTest, GetEndsAtItsDeadline) {
  Listener silent;
  auto asked = waits_.getRequest();
  asked.setUrl(kj::str("http://127.0.0.1:", silent.port(), "/x"));
  asked.setDeadlineNs(100'000'000);
  EXPECT_EQ(answerOf(asked).getError().getKind(), Kind::TIMEOUT);
}

TEST_F(WaitServiceTest, RefusesInvalidRequests) {
  EXPECT_EQ(answerOf(request()).getError().getKind(), Kind::INVALID) << "no condition";
  EXPECT_EQ(lookAtPort(0).getError().getKind(), Kind::INVALID);
  EXPECT_EQ(lookAtPort(1, "-x").getError().getKind(), Kind::INVALID);
  EXPECT_EQ(lookAtPort(1, "a b").getError().getKind(), Kind::INVALID);
  for (const std::string& path :
       {std::string(), std::string("x"), std::string("/x\0y", 4), "/" + std::string(5000, 'x')}) {
    EXPECT_EQ(lookAtFile(path).getError().getKind(), Kind::INVALID) << path.substr(0, 20);
  }
  for (int64_t waitNs : {int64_t{-1}, kLong + 1}) {
    EXPECT_EQ(lookAtFile("/", waitNs).getError().getKind(), Kind::INVALID);
  }
  auto asked = waits_.getRequest();
  asked.setUrl("http://a/");
  EXPECT_EQ(answerOf(asked).getError().getKind(), Kind::INVALID) << "no deadline";
}

TEST_F(WaitServiceTest, WaitsAreBounded) {
  kj::Vector<kj::Promise<void>> waiting;
  for (int i = 0; i < 64; ++i) {
    auto asked = request(kLong);
    asked.initCondition().setFile("/no/such/file"_kj.asBytes());
    waiting.add(asked.send().ignoreResult().eagerlyEvaluate(nullptr));
  }
  waiting[0].poll(io_.waitScope);
  EXPECT_EQ(lookAtFile("/").getError().getKind(), Kind::OVERLOADED);
  waiting.clear();
  EXPECT_TRUE(lookAtFile("/").getHolds()) << "those that are given up do not count";
}

TEST(ParseAddressesTest, EachIsTakenOnce) {
  auto addresses = wait::parseAddresses(
      "::1             STREAM localhost\n::1             DGRAM\n127.0.0.1       STREAM\nx y\n\n");
  ASSERT_EQ(addresses.size(), 2u);
  EXPECT_EQ(addresses[0], "::1");
  EXPECT_EQ(addresses[1], "127.0.0.1");
}

}  // namespace
}  // namespace nodeagent
