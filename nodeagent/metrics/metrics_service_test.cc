// Tries recordings by their capability: their samples, their bounds, and what ends them.
#include "nodeagent/metrics/metrics_service.h"

#include <errno.h>

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/session/service_testing.h"
#include "schema/metrics.capnp.h"

namespace nodeagent {
namespace {

using testing::HasSubstr;
using Kind = wire::Error::Kind;

constexpr int64_t kFastNs = 100'000'000;
constexpr int64_t kWaitNs = 10'000'000'000;

class MetricsServiceTest : public testing::Test {
 protected:
  ~MetricsServiceTest() noexcept override = default;

  kj::Own<Session> session() { return newSession(io_.provider->getTimer(), wire::Role::OBSERVER); }

  static auto requestOf(wire::Metrics::Client metrics, uint64_t number,
                        const std::vector<std::string>& names, int64_t intervalNs) {
    auto request = metrics.recordRequest();
    request.setRecording(number);
    auto list = request.initProcesses(static_cast<unsigned>(names.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list.set(i, kj::arrayPtr(names[i].data(), names[i].size()).asBytes());
    }
    request.setIntervalNs(intervalNs);
    return request.send();
  }
  auto record(uint64_t number, const std::vector<std::string>& names = {},
              int64_t intervalNs = kFastNs) {
    return requestOf(metrics_, number, names, intervalNs).wait(io_.waitScope);
  }
  auto beginRead(uint64_t number, uint64_t after, int64_t waitNs = kWaitNs) {
    auto request = metrics_.readRequest();
    request.setRecording(number);
    request.setAfter(after);
    request.setWaitNs(waitNs);
    return request.send();
  }
  auto read(uint64_t number, uint64_t after, int64_t waitNs = kWaitNs) {
    return beginRead(number, after, waitNs).wait(io_.waitScope);
  }
  void stop(uint64_t number) {
    auto request = metrics_.stopRequest();
    request.initRecordings(1).set(0, number);
    EXPECT_FALSE(request.send().wait(io_.waitScope).hasError());
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  TestHost host_{io_};
  kj::Own<AgentService> service_ = makeMetrics(host_.host);
  kj::Own<Session> session_ = session();
  wire::Metrics::Client metrics_ = offered<wire::Metrics>(*service_, *session_);
};

TEST_F(MetricsServiceTest, SamplesComeOneAfterTheOther) {
  record(1);
  uint64_t after = 0;
  int64_t at = 0;
  while (after < 3) {
    auto answer = read(1, after);
    ASSERT_GT(answer.getSamples().size(), 0u);
    for (auto sample : answer.getSamples()) {
      EXPECT_EQ(sample.getNumber(), after + 1);
      EXPECT_GT(sample.getBoottimeNs(), at);
      EXPECT_GT(sample.getNode().getMemoryTotalBytes(), 0);
      after = sample.getNumber();
      at = sample.getBoottimeNs();
    }
    EXPECT_EQ(answer.getLostTo(), 0u);
  }
  EXPECT_EQ(read(1, 0).getSamples()[0].getNumber(), 1u);
}

TEST_F(MetricsServiceTest, ProcessIsRecordedByItsName) {
  std::string own = program_invocation_short_name;
  record(1, {"no such process", own});
  auto answer = read(1, 0);
  auto processes = answer.getSamples()[0].getProcesses();
  ASSERT_GE(processes.size(), 1u);
  for (auto process : processes) {
    auto name = process.getName().asChars();
    EXPECT_EQ(std::string(name.begin(), name.size()), own);
  }
}

TEST_F(MetricsServiceTest, CallsThatAreSentAgainChangeNothing) {
  record(1);
  read(1, 1);
  EXPECT_FALSE(record(1).hasError());
  EXPECT_EQ(read(1, 0, 0).getSamples()[0].getNumber(), 1u);
  EXPECT_GE(read(1, 0, 0).getSamples().size(), 2u);
  stop(1);
  stop(1);
  EXPECT_EQ(read(1, 0).getError().getKind(), Kind::NOT_FOUND);
}

TEST_F(MetricsServiceTest, ReaderThatWaitsLearnsOfTheStop) {
  record(1, {}, 3600'000'000'000);
  read(1, 0);
  auto waiting = beginRead(1, 1);
  EXPECT_FALSE(waiting.poll(io_.waitScope));
  stop(1);
  EXPECT_EQ(waiting.wait(io_.waitScope).getError().getKind(), Kind::NOT_FOUND);
}

TEST_F(MetricsServiceTest, ReaderWaitsNoLongerThanItWants) {
  record(1, {}, 3600'000'000'000);
  read(1, 0);
  EXPECT_EQ(read(1, 1, 1'000'000).getSamples().size(), 0u);
  EXPECT_EQ(read(1, 1, -1).getError().getKind(), Kind::INVALID);
  EXPECT_EQ(read(1, 1, 21'000'000'000).getError().getKind(), Kind::INVALID);
}

TEST_F(MetricsServiceTest, NamesAndIntervalsThatCannotBeAreRefused) {
  for (const std::string& name : {std::string(), std::string("/usr/sbin/kvd"), std::string("a\nb"),
                                  std::string("a\0b", 3), std::string(256, 'x')}) {
    auto answer = record(1, {name});
    auto error = answer.getError();
    EXPECT_EQ(error.getKind(), Kind::INVALID);
    EXPECT_THAT(error.getText().cStr(), HasSubstr("processes: "));
  }
  EXPECT_EQ(record(1, std::vector<std::string>(65, "a")).getError().getKind(), Kind::INVALID);
  for (int64_t interval : {int64_t{0}, int64_t{-1}, kFastNs - 1, int64_t{3600'000'000'001}}) {
    EXPECT_THAT(record(1, {}, interval).getError().getText().cStr(), HasSubstr("intervalNs: "));
  }
  EXPECT_EQ(read(1, 0).getError().getKind(), Kind::NOT_FOUND);
}

TEST_F(MetricsServiceTest, RecordingsAreBoundedPerSessionAndNode) {
  std::vector<kj::Own<Session>> sessions;
  for (uint64_t number = 1; number <= 8; ++number) EXPECT_FALSE(record(number).hasError());
  auto refused = record(9);
  auto error = refused.getError();
  EXPECT_EQ(error.getKind(), Kind::OVERLOADED);
  EXPECT_THAT(error.getText().cStr(), HasSubstr("the session has 8 recordings"));
  for (int i = 0; i < 3; ++i) {
    sessions.push_back(session());
    auto other = offered<wire::Metrics>(*service_, *sessions.back());
    for (uint64_t number = 1; number <= 8; ++number) {
      EXPECT_FALSE(requestOf(other, number, {}, kFastNs).wait(io_.waitScope).hasError());
    }
  }
  stop(1);
  EXPECT_FALSE(record(10).hasError());
  sessions.push_back(session());
  auto other = offered<wire::Metrics>(*service_, *sessions.back());
  auto full = requestOf(other, 1, {}, kFastNs).wait(io_.waitScope);
  EXPECT_THAT(full.getError().getText().cStr(), HasSubstr("the node has 32 recordings"));
}

TEST_F(MetricsServiceTest, SessionsDoNotSeeEachOther) {
  record(1);
  auto stranger = session();
  metrics_ = offered<wire::Metrics>(*service_, *stranger);
  EXPECT_EQ(read(1, 0).getError().getKind(), Kind::NOT_FOUND);
  stop(1);
  metrics_ = offered<wire::Metrics>(*service_, *session_);
  EXPECT_EQ(read(1, 0).getSamples()[0].getNumber(), 1u);
}

TEST_F(MetricsServiceTest, EndOfTheSessionEndsItsRecordings) {
  for (uint64_t number = 1; number <= 8; ++number) record(number);
  read(1, 0);
  auto waiting = beginRead(1, 1'000'000);
  EXPECT_FALSE(waiting.poll(io_.waitScope));
  session_->end(EndReason::kExpired).wait(io_.waitScope);
  EXPECT_EQ(waiting.wait(io_.waitScope).getError().getKind(), Kind::NOT_FOUND);
  EXPECT_EQ(record(1).getError().getKind(), Kind::EXPIRED);
  EXPECT_EQ(session_->leftovers().size(), 0u);
  // The node has room for 32 again, eight of each session.
  for (int i = 0; i < 4; ++i) {
    session_ = session();
    metrics_ = offered<wire::Metrics>(*service_, *session_);
    for (uint64_t number = 1; number <= 8; ++number) EXPECT_FALSE(record(number).hasError());
  }
}

TEST_F(MetricsServiceTest, OnlySomeReadersWaitAtOnce) {
  record(1, {}, 3600'000'000'000);
  read(1, 0);
  std::vector<capnp::RemotePromise<wire::Metrics::ReadResults>> waiting;
  for (int i = 0; i < 8; ++i) waiting.push_back(beginRead(1, 1));
  EXPECT_EQ(read(1, 1).getError().getKind(), Kind::OVERLOADED);
  waiting.clear();
  EXPECT_EQ(read(1, 1, 1'000'000).getSamples().size(), 0u);
}

}  // namespace
}  // namespace nodeagent
