#include "nodeagent/log/log_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/log/log_testing.h"
#include "nodeagent/session/service_testing.h"

namespace nodeagent {
namespace {

using logs::LogDirectory;
using testing::HasSubstr;
using Kind = wire::Error::Kind;

class LogServiceTest : public testing::Test {
 protected:
  ~LogServiceTest() noexcept override = default;

  kj::ArrayPtr<const kj::byte> files() {
    return kj::arrayPtr(pattern_.data(), pattern_.size()).asBytes();
  }

  auto mark() {
    auto request = logs_.markRequest();
    request.initSource().setFiles(files());
    return request.send().wait(io_.waitScope);
  }

  auto await(wire::LogMark::Reader from, kj::StringPtr pattern, int64_t waitNs) {
    auto request = logs_.awaitRequest();
    request.initSource().setFiles(files());
    request.setFrom(from);
    request.initPatterns(1).set(0, pattern);
    request.setWaitNs(waitNs);
    return request.send();
  }

  void append(const char* text) { directory_.append("a.log", text); }

  LogDirectory directory_;
  std::string pattern_ = directory_.path("*.log");
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  kj::Timer& timer_ = io_.provider->getTimer();
  TestHost host_{io_};
  kj::Own<AgentService> service_ =
      makeLog(host_.host, {.kernel = "/nonexistent/kmsg", .journals = {}});
  kj::Own<Session> session_ = newSession(timer_);
  wire::Logs::Client logs_ = offered<wire::Logs>(*service_, *session_);
};

TEST_F(LogServiceTest, WaitEndsWithTheFirstLineThatMatches) {
  append("ready before\n");
  auto marked = mark();
  auto waiting = await(marked.getMark(), "ready", 10'000'000'000);
  timer_.afterDelay(100 * kj::MILLISECONDS).wait(io_.waitScope);
  EXPECT_FALSE(waiting.poll(io_.waitScope));
  append("not yet\nready now\n");
  auto answer = waiting.wait(io_.waitScope);
  ASSERT_EQ(answer.getLines().size(), 1u);
  EXPECT_EQ(kj::str(answer.getLines()[0].getText().asChars()), "ready now");
  EXPECT_EQ(answer.getLines()[0].getNumber(), 2u);
}

TEST_F(LogServiceTest, WaitSeesAFileThatIsMadeMeanwhile) {
  auto marked = mark();
  auto waiting = await(marked.getMark(), "ready", 10'000'000'000);
  timer_.afterDelay(100 * kj::MILLISECONDS).wait(io_.waitScope);
  directory_.append("new.log", "ready\n");
  EXPECT_EQ(waiting.wait(io_.waitScope).getLines().size(), 1u);
}

TEST_F(LogServiceTest, WaitWithoutALineEndsInTimeAndGoesOn) {
  auto marked = mark();
  append("other\n");
  auto answer = await(marked.getMark(), "ready", 150'000'000).wait(io_.waitScope);
  EXPECT_EQ(answer.getLines().size(), 0u);
  append("ready\n");
  auto next = await(answer.getNext(), "ready", 5'000'000'000).wait(io_.waitScope);
  ASSERT_EQ(next.getLines().size(), 1u);
  EXPECT_EQ(next.getLines()[0].getNumber(), 2u);
}

TEST_F(LogServiceTest, WaitersAreBoundedAndLeaveWithTheirCallers) {
  auto marked = mark();
  {
    kj::Vector<decltype(await(marked.getMark(), "x", 0))> all;
    for (int i = 0; i < 64; ++i) all.add(await(marked.getMark(), "x", 20'000'000'000));
    auto refused = await(marked.getMark(), "x", 20'000'000'000).wait(io_.waitScope);
    EXPECT_EQ(refused.getError().getKind(), Kind::OVERLOADED);
  }
  auto served = await(marked.getMark(), "x", 0).wait(io_.waitScope);
  EXPECT_FALSE(served.hasError());
}

TEST_F(LogServiceTest, NotesAreBounded) {
  for (int i = 0; i < 100; ++i) directory_.append(std::to_string(i) + ".log", "x\n");
  auto marked = mark();
  for (int i = 0; i < 100; ++i) {
    std::filesystem::remove(directory_.path(std::to_string(i) + ".log"));
  }
  auto request = logs_.readRequest();
  request.initSource().setFiles(files());
  request.setFrom(marked.getMark());
  auto answer = request.send().wait(io_.waitScope);
  ASSERT_EQ(answer.getNotes().size(), 64u);
  EXPECT_THAT(answer.getNotes()[63].getText().cStr(), HasSubstr("; and 36 more notes"));
}

TEST_F(LogServiceTest, BadRequestsSayWhatWouldBeRight) {
  auto marked = mark();
  auto refused = await(marked.getMark(), "a(", 0).wait(io_.waitScope);
  EXPECT_EQ(refused.getError().getKind(), Kind::INVALID);
  pattern_ = "relative/*.log";
  EXPECT_THAT(mark().getError().getText().cStr(), HasSubstr("absolute path"));
  auto request = logs_.readRequest();
  request.initSource().setKernel();
  request.setFrom(marked.getMark());
  EXPECT_THAT(request.send().wait(io_.waitScope).getError().getText().cStr(),
              HasSubstr("no mark of this kind"));
}

TEST_F(LogServiceTest, KernelLogThatCannotBeOpenedIsUnsupported) {
  auto request = logs_.markRequest();
  request.initSource().setKernel();
  auto answer = request.send().wait(io_.waitScope);
  EXPECT_EQ(answer.getError().getKind(), Kind::UNSUPPORTED);
  EXPECT_THAT(answer.getError().getText().cStr(), HasSubstr("/nonexistent/kmsg"));
}

}  // namespace
}  // namespace nodeagent
