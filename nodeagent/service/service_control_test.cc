// Tries the service through its capability, on a node of fake init scripts.
#include "nodeagent/service/service_control.h"

#include <chrono>

#include <gmock/gmock.h>
#include <kj/async-io.h>

#include "nodeagent/os/wait_testing.h"
#include "nodeagent/service/fake_node_testing.h"
#include "nodeagent/session/service_testing.h"
#include "schema/service.capnp.h"

namespace nodeagent {
namespace {

using ::testing::HasSubstr;
using Action = wire::ServiceAction;
using Kind = wire::Error::Kind;
using State = wire::ServiceStatus::State;

class ServiceControlTest : public ::testing::Test {
 protected:
  ~ServiceControlTest() noexcept override {}

  auto actRequest(kj::StringPtr name, Action action) {
    auto request = offered<wire::Services>(*service_, *session_).actRequest();
    request.setName(name);
    request.setAction(action);
    request.setDeadlineNs(20'000'000'000);
    return request;
  }

  auto act(kj::StringPtr name, Action action, int64_t deadlineNs = 20'000'000'000) {
    auto request = actRequest(name, action);
    request.setDeadlineNs(deadlineNs);
    return request.send().wait(io_.waitScope);
  }

  auto actForASession(kj::StringPtr name, Action action) {
    auto request = actRequest(name, action);
    request.setRestore(true);
    return request.send().wait(io_.waitScope);
  }

  auto awaitActive(kj::StringPtr name, int64_t waitNs) {
    auto request = offered<wire::ServiceView>(*service_, *session_).awaitActiveRequest();
    request.setName(name);
    request.setWaitNs(waitNs);
    return request.send().wait(io_.waitScope);
  }

  size_t recordsOnDisk() {
    auto directory = std::string(node_.path("services").cStr());
    if (!std::filesystem::exists(directory)) return 0;
    return std::distance(std::filesystem::directory_iterator(directory), {});
  }

  // Makes the service again, as the next keeper does. Its sessions are gone.
  void restartKeeper() {
    service_ = nullptr;
    service_ = make();
    session_ = newSession(io_.provider->getTimer());
  }

  kj::Own<AgentService> make() {
    place_.host.stateDirectory = state_;
    return makeServiceControl(place_.host, InitPaths{.systemdRuntime = "/nonexistent",

                                                     .scripts = scripts_,
                                                     .openrcRuntime = "/nonexistent"});
  }

  auto status(kj::StringPtr name) {
    auto request = offered<wire::ServiceView>(*service_, *session_).statusRequest();
    request.setName(name);
    return request.send().wait(io_.waitScope);
  }

  // A service whose state is a file.
  void makeService() {
    auto mark = std::string(node_.path("runs").cStr());
    node_.script("init.d/fake", "case $1 in\nstart) touch " + mark + " ;;\nstop) rm -f " + mark +
                                    " ;;\nstatus) test -e " + mark +
                                    " || exit 3 ;;\n*) echo broken; exit 1 ;;\nesac");
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  service::FakeNode node_;
  kj::String scripts_ = node_.path("init.d");
  kj::Own<Session> session_ = newSession(io_.provider->getTimer());
  TestHost place_{io_};
  kj::String state_ = node_.path("");
  kj::Own<AgentService> service_ = make();
};

TEST_F(ServiceControlTest, AnswersTheStatusAfterAnAction) {
  makeService();
  EXPECT_EQ(status("fake").getStatus().getState(), State::STOPPED);
  EXPECT_EQ(act("fake", wire::ServiceAction::START).getStatus().getState(), State::RUNNING);
  EXPECT_EQ(act("fake", wire::ServiceAction::START).getStatus().getState(), State::RUNNING);
  EXPECT_EQ(status("fake").getStatus().getState(), State::RUNNING);
  EXPECT_EQ(act("fake", wire::ServiceAction::STOP).getStatus().getState(), State::STOPPED);
}

TEST_F(ServiceControlTest, AFailureBringsOutputAndStatus) {
  makeService();
  auto response = act("fake", wire::ServiceAction::RELOAD);
  EXPECT_EQ(response.getError().getKind(), Kind::SYSTEM);
  EXPECT_THAT(response.getError().getText().cStr(), HasSubstr("exit status 1: broken"));
  EXPECT_EQ(kj::str(response.getOutput().asChars()), "broken\n");
  EXPECT_EQ(response.getStatus().getState(), State::STOPPED);
}

TEST_F(ServiceControlTest, RefusesInvalidRequests) {
  makeService();
  for (const std::string& name :
       {std::string("a/b"), std::string("../x"), std::string(".."), std::string("."),
        std::string(""), std::string("a\nb"), std::string("a b"), std::string("\x1b[2J"),
        std::string("-H"), std::string("a;reboot"), std::string("$(x)"), std::string("a\0b", 3),
        std::string(257, 'n')}) {
    kj::StringPtr text(name.c_str(), name.size());
    EXPECT_EQ(status(text).getError().getKind(), Kind::INVALID) << name;
    EXPECT_EQ(act(text, wire::ServiceAction::START).getError().getKind(), Kind::INVALID) << name;
  }
  EXPECT_EQ(status("absent").getError().getKind(), Kind::NOT_FOUND);
  EXPECT_EQ(act("fake", wire::ServiceAction::UNSPECIFIED).getError().getKind(), Kind::INVALID);
  EXPECT_EQ(act("fake", static_cast<wire::ServiceAction>(99)).getError().getKind(), Kind::INVALID);
  for (int64_t deadlineNs : {int64_t{0}, int64_t{-1}, int64_t{600'000'000'001}, INT64_MAX}) {
    EXPECT_EQ(act("fake", wire::ServiceAction::START, deadlineNs).getError().getKind(),
              Kind::INVALID);
  }
  EXPECT_EQ(status("fake").getStatus().getState(), State::STOPPED) << "nothing was started";
  session_->end(EndReason::kClosed).wait(io_.waitScope);
  EXPECT_EQ(act("fake", wire::ServiceAction::START).getError().getKind(), Kind::EXPIRED);
}

TEST_F(ServiceControlTest, ANodeWithoutAManagerSaysSo) {
  std::filesystem::remove_all(scripts_.cStr());
  EXPECT_EQ(status("fake").getError().getKind(), Kind::UNSUPPORTED);
}

TEST_F(ServiceControlTest, SessionPutsBackWhatItStarted) {
  makeService();
  actForASession("fake", Action::START);
  actForASession("fake", Action::RESTART);
  EXPECT_EQ(recordsOnDisk(), 1u) << "the first state counts";
  session_->end(EndReason::kClosed).wait(io_.waitScope);
  EXPECT_EQ(status("fake").getStatus().getState(), State::STOPPED);
  EXPECT_EQ(session_->leftovers().size(), 0u);
  EXPECT_EQ(recordsOnDisk(), 0u);
}

TEST_F(ServiceControlTest, SessionPutsBackWhatItStopped) {
  makeService();
  act("fake", Action::START);
  actForASession("fake", Action::STOP);
  EXPECT_EQ(status("fake").getStatus().getState(), State::STOPPED);
  session_->end(EndReason::kClosed).wait(io_.waitScope);
  EXPECT_EQ(status("fake").getStatus().getState(), State::RUNNING);
}

TEST_F(ServiceControlTest, ChangeThatIsToStayStays) {
  makeService();
  act("fake", Action::START);
  session_->end(EndReason::kClosed).wait(io_.waitScope);
  EXPECT_EQ(status("fake").getStatus().getState(), State::RUNNING);
  EXPECT_EQ(recordsOnDisk(), 0u);
}

TEST_F(ServiceControlTest, EndWaitsForAnActionUnderWay) {
  auto mark = std::string(node_.path("runs").cStr());
  node_.script("init.d/slow", "case $1 in\nstart) echo > " + mark + ".begun; sleep 0.5; touch " +
                                  mark + " ;;\nstop) rm -f " + mark + " ;;\nstatus) test -e " +
                                  mark + " || exit 3 ;;\nesac");
  auto request = actRequest("slow", Action::START);
  request.setRestore(true);
  auto acting = request.send();
  ASSERT_TRUE(becomesTrue([&] {
    acting.poll(io_.waitScope);
    return std::filesystem::exists(mark + ".begun");
  }));
  session_->end(EndReason::kClosed).wait(io_.waitScope);
  acting.wait(io_.waitScope);
  EXPECT_EQ(status("slow").getStatus().getState(), State::STOPPED);
}

TEST_F(ServiceControlTest, NextKeeperPutsBackWhatAKilledOneLeft) {
  makeService();
  actForASession("fake", Action::START);
  ASSERT_EQ(recordsOnDisk(), 1u);
  restartKeeper();
  // An action waits until everything is as it was.
  EXPECT_EQ(act("fake", Action::RELOAD).getStatus().getState(), State::STOPPED);
  EXPECT_EQ(recordsOnDisk(), 0u);
}

TEST_F(ServiceControlTest, ScriptWithoutAStateCannotBePutBack) {
  node_.script("init.d/mute", "case $1 in start) ;; *) echo Usage: x; exit 3;; esac");
  auto refused = actForASession("mute", Action::START);
  EXPECT_EQ(refused.getError().getKind(), Kind::UNSUPPORTED);
  EXPECT_THAT(refused.getError().getText().cStr(), HasSubstr("does not tell whether it runs"));
  EXPECT_FALSE(act("mute", Action::START).hasError());
  EXPECT_EQ(actForASession("absent", Action::START).getError().getKind(), Kind::NOT_FOUND);
  EXPECT_EQ(recordsOnDisk(), 0u);
}

TEST_F(ServiceControlTest, WaitEndsWhenTheServiceRunsOrHasFailed) {
  makeService();
  auto stopped = awaitActive("fake", 0);
  EXPECT_EQ(stopped.getStatus().getState(), State::STOPPED);
  EXPECT_GT(stopped.getMarkRealtimeNs(), 0);
  EXPECT_STREQ(stopped.getJournalNote().cStr(), "SysV init scripts keep no journal");
  act("fake", Action::START);
  EXPECT_EQ(awaitActive("fake", 20'000'000'000).getStatus().getState(), State::RUNNING);
  node_.script("init.d/dead", "exit 1");
  auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(awaitActive("dead", 20'000'000'000).getStatus().getState(), State::FAILED);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
  EXPECT_EQ(awaitActive("absent", 1).getError().getKind(), Kind::NOT_FOUND);
  for (int64_t wrong : {int64_t{-1}, int64_t{20'000'000'001}}) {
    EXPECT_EQ(awaitActive("fake", wrong).getError().getKind(), Kind::INVALID);
  }
}

TEST_F(ServiceControlTest, WaitsAreBounded) {
  makeService();
  kj::Vector<kj::Promise<void>> waiting;
  for (int i = 0; i < 64; ++i) {
    auto request = offered<wire::ServiceView>(*service_, *session_).awaitActiveRequest();
    request.setName("fake");
    request.setWaitNs(20'000'000'000);
    waiting.add(request.send().ignoreResult().eagerlyEvaluate(nullptr));
  }
  waiting[0].poll(io_.waitScope);
  EXPECT_EQ(awaitActive("fake", 0).getError().getKind(), Kind::OVERLOADED);
  waiting.clear();
  EXPECT_FALSE(awaitActive("fake", 0).hasError()) << "those that are given up do not count";
  // Nor do those that are refused.
  for (int i = 0; i < 65; ++i) EXPECT_EQ(awaitActive("a/b", 0).getError().getKind(), Kind::INVALID);
}

TEST_F(ServiceControlTest, SignalBelongsToKillAlone) {
  makeService();
  for (int signal : {-1, 0, 65, 1000}) {
    auto request = actRequest("fake", Action::KILL);
    request.setSignal(signal);
    EXPECT_EQ(request.send().wait(io_.waitScope).getError().getKind(), Kind::INVALID) << signal;
  }
  auto request = actRequest("fake", Action::START);
  request.setSignal(9);
  EXPECT_EQ(request.send().wait(io_.waitScope).getError().getKind(), Kind::INVALID);
}

TEST_F(ServiceControlTest, UsersHaveServicesOnlyWithSystemd) {
  makeService();
  auto request = actRequest("fake", Action::START);
  request.setUser("root");
  EXPECT_EQ(request.send().wait(io_.waitScope).getError().getKind(), Kind::UNSUPPORTED);
  auto other = actRequest("fake", Action::START);
  other.setUser("no-such-user-here");
  EXPECT_EQ(other.send().wait(io_.waitScope).getError().getKind(), Kind::NOT_FOUND);
}

}  // namespace
}  // namespace nodeagent
