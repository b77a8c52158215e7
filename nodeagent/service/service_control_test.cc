// Tries the service through its capability, on a node of fake init scripts.
#include "nodeagent/service/service_control.h"

#include <gmock/gmock.h>
#include <kj/async-io.h>

#include "nodeagent/service/fake_node_testing.h"
#include "nodeagent/session/service_testing.h"
#include "schema/service.capnp.h"

namespace nodeagent {
namespace {

using ::testing::HasSubstr;
using Kind = wire::Error::Kind;
using State = wire::ServiceStatus::State;

class ServiceControlTest : public ::testing::Test {
 protected:
  ~ServiceControlTest() noexcept override {}

  auto act(kj::StringPtr name, wire::ServiceAction action, int64_t deadlineNs = 20'000'000'000) {
    auto request = offered<wire::Services>(*service_, *session_).actRequest();
    request.setName(name);
    request.setAction(action);
    request.setDeadlineNs(deadlineNs);
    return request.send().wait(io_.waitScope);
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
  kj::Own<AgentService> service_ = makeServiceControl(
      place_.host, InitPaths{.systemdRuntime = "/nonexistent", .scripts = scripts_});
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

}  // namespace
}  // namespace nodeagent
