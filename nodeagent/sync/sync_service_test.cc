// The service with its socket, asked by the real command in a thread of its own, and by strangers.
#include "nodeagent/sync/sync_service.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/session/service_testing.h"
#include "nodeagent/sync/message.h"
#include "nodeagent/sync/script_socket.h"
#include "nodeagent/sync/sync_command.h"
#include "schema/support/base/log.h"
#include "schema/sync.capnp.h"

namespace nodeagent {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

class SyncServiceTest : public testing::Test {
 protected:
  SyncServiceTest() {
    host_.host.stateDirectory = directory_;
    service_ = makeSync(host_.host);
    session_ = newSession(io_.provider->getTimer());
    sync_ = offered<wire::Sync>(*service_, *session_);
    entry_ = host_.host.commands.enter(*session_, 7, {"kvd"});
  }
  ~SyncServiceTest() noexcept override {
    entry_ = nullptr;
    service_ = nullptr;
    std::filesystem::remove_all(directory_.cStr());
  }

  static kj::String temporary() {
    char path[] = "/tmp/muster-sync-XXXXXX";
    return kj::str(mkdtemp(path));
  }
  std::string socketPath() const { return std::string(directory_.cStr()) + "/sync.sock"; }

  // Starts a command with this value of NODEAGENT_JOB.
  static std::future<int> start(const Words& words, const std::string& job) {
    return std::async(std::launch::async, [words, job]() {
      return runSyncCommand(words, {{"NODEAGENT_JOB", job}});
    });
  }
  std::future<int> start(const Words& words) { return start(words, job()); }
  std::string job() const { return std::string("node.1.2.3.") + entry_->proof().cStr(); }

  // Turns the loop until the command has ended.
  int statusOf(std::future<int>& command) {
    while (command.wait_for(std::chrono::seconds(0)) != std::future_status::ready) turn();
    return command.get();
  }
  void turn() { io_.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(io_.waitScope); }

  auto pull(uint64_t after = 0) {
    auto request = sync_.pullRequest();
    request.setAfter(after);
    request.setWaitNs(5'000'000'000);
    return request.send().wait(io_.waitScope);
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  kj::String directory_ = temporary();
  TestHost host_{io_};
  kj::Own<AgentService> service_;
  kj::Own<Session> session_;
  wire::Sync::Client sync_ = nullptr;
  kj::Own<Commands::Entry> entry_;
};

TEST_F(SyncServiceTest, NotificationReachesTheControllerWithItsCommand) {
  auto command = start({"notify", "ready", "port=7400"});
  auto results = pull();
  ASSERT_EQ(results.getRecords().size(), 1u);
  auto record = results.getRecords()[0];
  EXPECT_EQ(record.getJob(), 7u);
  EXPECT_STREQ(record.getCommand().cStr(), "kvd");
  EXPECT_STREQ(record.getNotified().getName().cStr(), "ready");
  EXPECT_STREQ(record.getNotified().getData()[0].getName().cStr(), "port");
  EXPECT_EQ(statusOf(command), 0);
}

TEST_F(SyncServiceTest, WaitEndsWithItsAnswer) {
  auto command = start({"barrier", "start"});
  uint64_t waiter = pull().getRecords()[0].getArrived().getWaiter();
  auto request = sync_.answerRequest();
  auto answer = request.initAnswers(1)[0];
  answer.setWaiter(waiter);
  answer.setFailed("somebody died");
  EXPECT_FALSE(request.send().wait(io_.waitScope).hasError());
  EXPECT_EQ(statusOf(command), kExitWaitFailed);
}

TEST_F(SyncServiceTest, CommandsThatWaitAreListedUntilTheyAreAnswered) {
  auto view = offered<wire::SyncView>(*service_, *session_);
  auto waits = [&]() { return view.waitsRequest().send().wait(io_.waitScope); };
  EXPECT_EQ(waits().getWaits().size(), 0u);
  auto command = start({"barrier", "start", "--count", "3", "--timeout", "1m"});
  uint64_t waiter = pull().getRecords()[0].getArrived().getWaiter();
  auto listed = waits();
  ASSERT_EQ(listed.getWaits().size(), 1u);
  auto wait = listed.getWaits()[0];
  EXPECT_EQ(wait.getJob(), 7u);
  EXPECT_STREQ(wait.getCommand().cStr(), "kvd");
  EXPECT_STREQ(wait.getName().cStr(), "start");
  EXPECT_TRUE(wait.getIsBarrier());
  EXPECT_EQ(wait.getCount(), 3u);
  EXPECT_GE(wait.getWaitedNs(), 0);
  EXPECT_LE(wait.getRemainingNs(), 60'000'000'000);
  EXPECT_GT(wait.getRemainingNs(), 0);
  auto request = sync_.answerRequest();
  request.initAnswers(1)[0].setWaiter(waiter);
  request.send().wait(io_.waitScope);
  EXPECT_EQ(statusOf(command), 0);
  EXPECT_EQ(waits().getWaits().size(), 0u);
}

TEST_F(SyncServiceTest, WaitTimesOut) {
  sync_.pullRequest().send().wait(io_.waitScope);
  auto command = start({"wait", "go", "--timeout", "20ms"});
  EXPECT_EQ(statusOf(command), kExitTimedOut);
}

TEST_F(SyncServiceTest, EndOfTheSessionEndsWaits) {
  auto command = start({"wait", "go"});
  pull();
  session_->end(EndReason::kClosed).wait(io_.waitScope);
  EXPECT_EQ(statusOf(command), kExitWaitFailed);
  EXPECT_EQ(pull().getError().getKind(), wire::Error::Kind::EXPIRED);
}

TEST_F(SyncServiceTest, WatchedCommandTellsItsEnd) {
  auto request = sync_.watchRequest();
  request.setNumber(7);
  EXPECT_FALSE(request.send().wait(io_.waitScope).hasError());
  entry_->end({kj::str("exited with status 3"), kj::str("out"), kj::str("err")});
  auto results = pull();
  auto end = results.getRecords()[0].getEnded();
  EXPECT_STREQ(end.getHow().cStr(), "exited with status 3");
  EXPECT_EQ(end.getErrors().size(), 3u);
  // It has ended by now, and is told again.
  request = sync_.watchRequest();
  request.setNumber(7);
  request.send().wait(io_.waitScope);
  EXPECT_TRUE(pull(1).getRecords()[0].isEnded());
  request = sync_.watchRequest();
  request.setNumber(8);
  request.send().wait(io_.waitScope);
  EXPECT_THAT(pull(2).getRecords()[0].getEnded().getHow().cStr(), HasSubstr("had ended already"));
}

TEST_F(SyncServiceTest, CommandReachesItsOwnSessionOnly) {
  sync_.pullRequest().send().wait(io_.waitScope);
  auto other = newSession(io_.provider->getTimer());
  auto theirs = offered<wire::Sync>(*service_, *other);
  auto command = start({"notify", "ready"});
  EXPECT_EQ(statusOf(command), 0);
  auto results = theirs.pullRequest().send().wait(io_.waitScope);
  EXPECT_EQ(results.getRecords().size(), 0u);
  EXPECT_EQ(pull().getRecords().size(), 1u);
}

TEST_F(SyncServiceTest, CommandOfAScopeSpeaksToItsWholeSession) {
  SessionTable table(systemClock(), io_.provider->getTimer());
  auto scope = table.openScope(*session_, support::Id::random(), nullptr);
  entry_ = host_.host.commands.enter(*scope, 8, {"kvd"});
  auto command = start({"notify", "ready"});
  EXPECT_EQ(pull().getRecords()[0].getJob(), 8u);
  EXPECT_EQ(statusOf(command), 0);
  auto request = sync_.watchRequest();
  request.setNumber(8);
  request.send().wait(io_.waitScope);
  table.end(*scope, EndReason::kClosed).wait(io_.waitScope);
  entry_->end({kj::str("was killed by SIGKILL"), kj::str(), kj::str()});
  EXPECT_TRUE(pull(1).getRecords()[0].isEnded());
}

TEST_F(SyncServiceTest, KeyThatNoCommandHasIsRefused) {
  auto guessed =
      start({"notify", "ready"}, "node.1.2.3." + support::Id::random().text() + "@" + socketPath());
  EXPECT_EQ(statusOf(guessed), support::kExitUnavailable);
  std::string former = job();
  entry_ = nullptr;
  auto late = start({"notify", "ready"}, former);
  EXPECT_EQ(statusOf(late), support::kExitUnavailable);
}

TEST_F(SyncServiceTest, EveryUserCanConnect) {
  struct stat status {};
  ASSERT_EQ(stat(socketPath().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0666u);
}

TEST_F(SyncServiceTest, EnvironmentWithoutAKeyIsExplained) {
  Words words = {"notify", "ready"};
  for (std::string job : {"node.1.2.3.", "", "@", "node.1.2.3.@/x", "x@y"}) {
    EXPECT_EQ(runSyncCommand(words, {{"NODEAGENT_JOB", job}}), support::kExitUnavailable) << job;
  }
  EXPECT_EQ(runSyncCommand(words, {}), support::kExitUnavailable);
}

TEST_F(SyncServiceTest, AgentWithoutAStateDirectoryServesNoCommands) {
  TestHost other(io_);
  auto service = makeSync(other.host);
  auto entry = other.host.commands.enter(*session_, 1, {});
  EXPECT_EQ(entry->proof().size(), 0u);
}

// The rest is about strangers on the socket.
class StrangerTest : public SyncServiceTest {
 protected:
  kj::AutoCloseFd connectTo(const std::string& path) {
    kj::AutoCloseFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  // Turns the loop until the agent has answered or closed, and returns what it said.
  std::string answerOn(int fd) {
    std::string answer;
    char bytes[4096];
    for (int i = 0; i < 5000; ++i) {
      ssize_t count = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
      if (count == 0) return answer + "<closed>";
      if (count > 0) answer.append(bytes, static_cast<size_t>(count));
      turn();
    }
    return answer + "<silence>";
  }

  std::string answerTo(const std::string& bytes) {
    auto fd = connectTo(socketPath());
    EXPECT_EQ(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    return answerOn(fd);
  }
};

TEST_F(StrangerTest, MalformedRequestsAreRefusedAndTheNextIsServed) {
  EXPECT_THAT(answerTo("\xff\xff\xff\xff"), HasSubstr("at most 32768"));
  EXPECT_THAT(answerTo(std::string("\3\0\0\0abc", 7)), HasSubstr("has no end"));
  EXPECT_THAT(answerTo(std::string("\2\0\0\0x\0", 6)), HasSubstr("another version"));
  sync_.pullRequest().send().wait(io_.waitScope);
  auto command = start({"notify", "ready"});
  EXPECT_EQ(statusOf(command), 0);
}

TEST_F(StrangerTest, ConnectionsAreBoundedAndThoseWithoutARequestEnd) {
  sync::SocketLimits limits;
  limits.connectionsOfUserMax = 2;
  limits.transferMax = 100 * kj::MILLISECONDS;
  std::string path = std::string(directory_.cStr()) + "/other.sock";
  sync::ScriptSocket bounded(
      io_.unixEventPort, io_.provider->getTimer(), path.c_str(), host_.host.commands,
      [](Command&, sync::Request) { return sync::Reply(); }, limits);
  support::CapturedLog log;
  auto first = connectTo(path);
  auto second = connectTo(path);
  while (bounded.connectionCount() < 2) turn();
  auto third = connectTo(path);
  EXPECT_THAT(answerOn(third), HasSubstr("as many commands"));
  EXPECT_THAT(answerOn(first), HasSubstr("in time"));
  answerOn(second);
  EXPECT_EQ(bounded.connectionCount(), 0u);
}

}  // namespace
}  // namespace nodeagent
