// Tries what becomes of services that are not as they were when their session gives up.
#include "nodeagent/service/restores.h"

#include <future>

#include <gmock/gmock.h>
#include <kj/async-io.h>

#include "nodeagent/os/wait_testing.h"
#include "nodeagent/service/fake_node_testing.h"
#include "nodeagent/session/service_testing.h"

namespace nodeagent::service {
namespace {

using ::testing::HasSubstr;

// A service whose state is the file "runs". Its script hangs once in the action that the file
// "hangs" names.
class RestoresTest : public ::testing::Test {
 protected:
  RestoresTest() {
    std::string root = node_.path("").cStr();
    node_.script("init.d/fake",
                 "cd " + root +
                     "\nif [ \"$(cat hangs)\" = $1 ]; then rm hangs; exec tail -f /dev/null; fi\n" +
                     "case $1 in\nstart) touch runs ;;\nstop) rm -f runs ;;\n" +
                     "status) test -e runs || exit 3 ;;\nesac");
    limits_.actions.startNs = 300'000'000;
    limits_.pauseMin = 1 * kj::MILLISECONDS;
    limits_.pauseMax = 1 * kj::MILLISECONDS;
  }
  ~RestoresTest() noexcept override = default;

  bool exists(const std::string& name) const {
    return std::filesystem::exists(node_.path(name).cStr());
  }
  void make(const std::string& name, const std::string& text = "") const {
    std::ofstream(node_.path(name).cStr()) << text;
  }
  size_t records() const {
    if (!exists("services")) return 0;
    return std::distance(std::filesystem::directory_iterator(node_.path("services").cStr()), {});
  }
  bool becomesSettled() {
    return becomesTrue([&] {
      io_.waitScope.poll();
      return records() == 0;
    });
  }

  kj::Own<Restores> makeRestores() {
    return kj::heap<Restores>(worker_, io_.provider->getTimer(), paths_, node_.path(""), limits_);
  }
  kj::Own<const Target> target() {
    return makeTarget(kj::str("fake"), kj::String(), nullptr, paths_);
  }
  // Starts the service, and does `before` that.
  kj::Promise<ActResult> start(
      Restores& restores, std::function<void()> before = [] {}) {
    return restores.run(*session_, target(), Action::START, [this, before]() {
      before();
      return target()->manager()->act("fake", Action::START, kLong);
    });
  }
  // Ends the session, whose clock shows 31 s more then.
  void endLate() {
    auto ending = session_->end(EndReason::kClosed);
    EXPECT_FALSE(ending.poll(io_.waitScope));
    sessionTimer_.advanceTo(kj::origin<kj::TimePoint>() + 31 * kj::SECONDS);
    ending.wait(io_.waitScope);
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  FakeNode node_;
  kj::String scripts_ = node_.path("init.d");
  InitPaths paths_{
      .systemdRuntime = "/nonexistent", .scripts = scripts_, .openrcRuntime = "/nonexistent"};
  RestoreLimits limits_;
  // The tests tell threads, and threads the tests.
  std::promise<void> begun_;
  std::promise<void> released_;
  Worker worker_;
  kj::TimerImpl sessionTimer_{kj::origin<kj::TimePoint>()};
  kj::Own<Session> session_ = newSession(sessionTimer_);
};

TEST_F(RestoresTest, ChangeOfAnActionThatOutlastsTheSessionIsTakenBack) {
  auto restores = makeRestores();
  auto acting = start(*restores, [&] {
    begun_.set_value();
    released_.get_future().wait_for(std::chrono::seconds(20));
  });
  auto hasBegun = begun_.get_future();
  ASSERT_TRUE(becomesTrue([&] {
    acting.poll(io_.waitScope);
    return hasBegun.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }));
  endLate();
  ASSERT_EQ(session_->leftovers().size(), 1u);
  EXPECT_THAT(session_->leftovers()[0].reason.text.cStr(), HasSubstr("not done after 30 s"));
  EXPECT_EQ(records(), 1u) << "it is owed";
  released_.set_value();
  EXPECT_TRUE(becomesSettled());
  EXPECT_FALSE(exists("runs"));
}

TEST_F(RestoresTest, ServiceThatDoesNotStopInTimeIsTriedAgain) {
  auto restores = makeRestores();
  start(*restores).wait(io_.waitScope);
  make("hangs", "stop");
  session_->end(EndReason::kClosed).wait(io_.waitScope);
  ASSERT_EQ(session_->leftovers().size(), 1u);
  EXPECT_THAT(session_->leftovers()[0].reason.text.cStr(), HasSubstr("the node tries again"));
  EXPECT_TRUE(becomesSettled());
  EXPECT_FALSE(exists("runs"));
  EXPECT_FALSE(exists("hangs"));
}

TEST_F(RestoresTest, AnswerOfTheManagerIsFinal) {
  auto restores = makeRestores();
  start(*restores).wait(io_.waitScope);
  node_.script("init.d/fake", "test $1 = status || exit 1");
  session_->end(EndReason::kClosed).wait(io_.waitScope);
  ASSERT_EQ(session_->leftovers().size(), 1u);
  EXPECT_EQ(session_->leftovers()[0].reason.kind, Kind::SYSTEM);
  EXPECT_EQ(records(), 0u);
}

TEST_F(RestoresTest, KeeperTriesAgainWhatAKilledOneHasLeft) {
  {
    auto killed = makeRestores();
    start(*killed).wait(io_.waitScope);
    session_ = newSession(sessionTimer_);
  }
  ASSERT_EQ(records(), 1u);
  make("hangs", "stop");
  auto next = makeRestores();
  next->recovered().wait(io_.waitScope);
  EXPECT_TRUE(becomesSettled());
  EXPECT_FALSE(exists("runs"));
  EXPECT_FALSE(exists("hangs"));
}

TEST_F(RestoresTest, OthersWaitUntilTheServiceIsAsItWas) {
  auto restores = makeRestores();
  restores->settled(*target(), 0 * kj::SECONDS).wait(io_.waitScope);
  auto acting = start(*restores, [&] { released_.get_future().wait_for(std::chrono::seconds(20)); });
  endLate();
  auto refusal =
      failureOf([&] { restores->settled(*target(), 1 * kj::MILLISECONDS).wait(io_.waitScope); });
  EXPECT_EQ(refusal.kind, Kind::TIMEOUT);
  EXPECT_THAT(refusal.text.cStr(), HasSubstr("service fake: was not touched"));
  auto waiting = restores->settled(*target(), 20 * kj::SECONDS);
  EXPECT_FALSE(waiting.poll(io_.waitScope));
  released_.set_value();
  waiting.wait(io_.waitScope);
  EXPECT_FALSE(exists("runs"));
}

}  // namespace
}  // namespace nodeagent::service
