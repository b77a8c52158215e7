#include "nodeagent/keeper/gate.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "nodeagent/session/service_testing.h"
#include "nodeagent/session/session_fixture.h"
#include "schema/facts.capnp.h"
#include "schema/job.capnp.h"

namespace nodeagent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = wire::Error::Kind;

// Offers two interfaces of different roles, which answer nothing.
class TwoInterfaces final : public AgentService {
 public:
  kj::Array<Offer> offers() override {
    class NoFacts final : public wire::FactsView::Server {};
    class NoJobs final : public wire::Jobs::Server {};
    return kj::arr(offer<wire::FactsView>([](Session&) { return kj::heap<NoFacts>(); }),
                   offer<wire::Jobs>([](Session&) { return kj::heap<NoJobs>(); }));
  }
  void writeLimits(wire::Limits::Builder limits) override { limits.setJobsMax(64); }
};

kj::Array<kj::Own<AgentService>> twoInterfaces() {
  kj::Own<AgentService> service = kj::heap<TwoInterfaces>();
  return kj::arr(kj::mv(service));
}

class GateTest : public SessionFixture, private GateListener {
 protected:
  ~GateTest() noexcept override {}

  struct Hello {
    capnp::Response<wire::Gate::HelloResults> response;
    Kind error() const { return response.getError().getKind(); }
    std::string errorText() const { return response.getError().getText().cStr(); }
  };

  wire::Gate::Client gate(wire::Role role = wire::Role::OPERATOR,
                          kj::StringPtr identity = "operator:ci") {
    return makeGate(context_, {{identity.cStr(), role}, "127.0.0.1:1"}, *this);
  }

  // Says hello as a good controller would, changed by `change`.
  template <typename Change>
  Hello hello(wire::Gate::Client gate, Change&& change) {
    auto request = gate.helloRequest();
    auto greeting = request.initGreeting();
    greeting.setProtocolMajor(wire::PROTOCOL_MAJOR);
    greeting.setBuild("9.9.9");
    greeting.setSessionId(id_.data());
    change(greeting);
    return {request.send().wait(waitScope_)};
  }
  Hello hello(wire::Gate::Client to) {
    return hello(kj::mv(to), [](auto) {});
  }

  void greeted(Session&, kj::Duration silenceMax) override {
    silences_.push_back(silenceMax / kj::MILLISECONDS);
  }

  ServiceSet services_{twoInterfaces()};
  GateContext context_{table_, clock_, "n1", "boot-1", services_};
  template <typename Interface>
  static bool holds(wire::Grants::Reader grants) {
    return findGranted<Interface>(grants) != nullptr;
  }

  kj::Own<Session> attachedSession() {
    return table_
        .attach({id_, kj::str("operator:ci"), wire::Role::OPERATOR, nullptr, 0},
                wire::Attach::ATTACH_ONLY)
        .session;
  }

  static Session::End nothing() {
    return []() -> kj::Promise<kj::Maybe<support::Failure>> {
      return kj::Maybe<support::Failure>(nullptr);
    };
  }

  std::vector<int64_t> silences_;
  const support::Id id_ = support::Id::random();
};

TEST_F(GateTest, HelloSaysNodeIdentityAndClock) {
  Hello hi = hello(gate());
  ASSERT_FALSE(hi.response.hasError()) << hi.errorText();
  auto welcome = hi.response.getWelcome();
  EXPECT_EQ(welcome.getNodeName(), "n1");
  EXPECT_EQ(welcome.getBootId(), "boot-1");
  EXPECT_EQ(welcome.getIdentity(), "operator:ci");
  EXPECT_EQ(welcome.getKeeperEpoch().size(), 16u);
  EXPECT_EQ(welcome.getClock().getBoottimeNs(), clock_.boottimeNs());
  EXPECT_FALSE(welcome.getAttached());
  EXPECT_THAT(silences_, ElementsAre(5000));
}

TEST_F(GateTest, SecondConnectionFindsTheSession) {
  hello(gate());
  Hello again = hello(gate(), [](auto greeting) { greeting.setAttach(wire::Attach::ATTACH_ONLY); });
  ASSERT_FALSE(again.response.hasError()) << again.errorText();
  EXPECT_TRUE(again.response.getWelcome().getAttached());
}

TEST_F(GateTest, ReconnectToAnUnknownSessionIsExpired) {
  Hello hi = hello(gate(), [](auto greeting) { greeting.setAttach(wire::Attach::ATTACH_ONLY); });
  EXPECT_EQ(hi.error(), Kind::EXPIRED);
  EXPECT_FALSE(hi.response.hasSession());
}

TEST_F(GateTest, SessionOfAnotherIdentityIsDenied) {
  hello(gate());
  EXPECT_EQ(hello(gate(wire::Role::OPERATOR, "operator:eve")).error(), Kind::DENIED);
}

TEST_F(GateTest, AnotherMajorVersionIsToldWhichSideToUpgrade) {
  Hello newer = hello(gate(), [](auto greeting) { greeting.setProtocolMajor(2); });
  EXPECT_EQ(newer.error(), Kind::VERSION_MISMATCH);
  EXPECT_THAT(newer.errorText(), HasSubstr("upgrade the agent"));
  Hello older = hello(gate(), [](auto greeting) { greeting.setProtocolMajor(0); });
  EXPECT_THAT(older.errorText(), HasSubstr("upgrade the controller"));
}

TEST_F(GateTest, OtherNodeNameIsRefusedWithBothNames) {
  Hello hi = hello(gate(), [](auto greeting) { greeting.setNodeName("n2"); });
  EXPECT_EQ(hi.error(), Kind::WRONG_NODE);
  EXPECT_EQ(hi.errorText(), "this agent is node \"n1\"; the controller meant \"n2\"");
}

TEST_F(GateTest, BadFieldsAreNamedAndMakeNoSession) {
  const kj::byte bytes[5] = {};
  capnp::Data::Reader five = kj::arrayPtr(bytes, 5);
  Hello shortId = hello(gate(), [&](auto greeting) { greeting.setSessionId(five); });
  EXPECT_THAT(shortId.errorText(), HasSubstr("sessionId: 5 bytes given, wanted 16"));
  Hello silence = hello(gate(), [](auto greeting) { greeting.setSilenceMaxNs(1); });
  EXPECT_THAT(silence.errorText(), HasSubstr("silenceMaxNs"));
  EXPECT_EQ(table_.count(), 0u);
  EXPECT_THAT(silences_, IsEmpty());
}

TEST_F(GateTest, SecondHelloOnAConnectionIsRefused) {
  auto one = gate();
  hello(one);
  EXPECT_EQ(hello(one).error(), Kind::CONFLICT);
}

TEST_F(GateTest, ObserverHoldsNothingThatActs) {
  auto observer = hello(gate(wire::Role::OBSERVER, "observer:x"));
  auto grants = observer.response.getWelcome().getGrants();
  EXPECT_TRUE(holds<wire::FactsView>(grants));
  EXPECT_FALSE(holds<wire::Jobs>(grants));
  EXPECT_FALSE(grants.hasObsoleteJobs());
}

TEST_F(GateTest, OperatorHoldsJobsAndUnspecifiedRoleHoldsNothing) {
  auto wanted = hello(gate());
  EXPECT_TRUE(holds<wire::Jobs>(wanted.response.getWelcome().getGrants()));
  EXPECT_EQ(wanted.response.getWelcome().getLimits().getJobsMax(), 64u);
  auto none = hello(gate(wire::Role::UNSPECIFIED, "x:y"),
                    [](auto greeting) { greeting.setSessionId(support::Id::random().data()); });
  auto grants = none.response.getWelcome().getGrants();
  EXPECT_EQ(grants.getMore().size(), 0u);
  EXPECT_FALSE(grants.hasObsoleteFacts());
}

TEST_F(GateTest, PingRenewsTheLease) {
  auto session = hello(gate()).response.getSession();
  clock_.advance(59'000'000'000);
  auto response = session.pingRequest().send().wait(waitScope_);
  EXPECT_EQ(response.getClock().getBoottimeNs(), clock_.boottimeNs());
  kj::Promise<void> watching = table_.watchLeases();
  clock_.advance(59'000'000'000);
  timer_.advanceTo(timer_.now() + 59 * kj::SECONDS);
  waitScope_.poll();
  EXPECT_EQ(table_.count(), 1u);
}

TEST_F(GateTest, CloseEndsTheSessionAndReportsLeftovers) {
  auto hi = hello(gate());
  auto attached = table_.attach({id_, kj::str("operator:ci"), wire::Role::OPERATOR, nullptr, 0},
                                wire::Attach::ATTACH_ONLY);
  auto entry = attached.session->addUndo(
      EndPhase::kUndo, kj::str("file /etc/x"), []() -> kj::Promise<kj::Maybe<support::Failure>> {
        return kj::Maybe<support::Failure>(
            support::Failure{Kind::SYSTEM, 30, kj::str("read-only")});
      });
  auto session = hi.response.getSession();
  auto closed = session.closeRequest().send().wait(waitScope_);
  ASSERT_EQ(closed.getLeftovers().size(), 1u);
  EXPECT_EQ(closed.getLeftovers()[0].getWhat(), "file /etc/x");
  EXPECT_EQ(closed.getLeftovers()[0].getReason().getErrno(), 30);
  EXPECT_EQ(table_.count(), 0u);
  EXPECT_EQ(session.closeRequest().send().wait(waitScope_).getLeftovers().size(), 1u);
}

TEST_F(GateTest, WelcomeTellsOfEarlierSessionsOfTheIdentity) {
  hello(gate(), [](auto greeting) {
    auto label = greeting.initLabels(1)[0];
    label.setName("program");
    label.setValue("kvd_tests");
  });
  auto job = attachedSession()->addUndo(EndPhase::kStop, kj::str("job 7 (kvd)"), nothing());
  auto file = attachedSession()->addUndo(EndPhase::kUndo, kj::str("file"), nothing());
  clock_.advance(12'000'000'000);
  auto next =
      hello(gate(), [](auto greeting) { greeting.setSessionId(support::Id::random().data()); });
  auto all = next.response.getWelcome().getEarlier();
  ASSERT_EQ(all.size(), 1u);
  auto earlier = all[0];
  EXPECT_EQ(earlier.getSessionId(), id_.data());
  EXPECT_EQ(earlier.getLabels()[0].getValue(), "kvd_tests");
  EXPECT_EQ(earlier.getLeaseLeftNs(), 48'000'000'000);
  EXPECT_EQ(earlier.getRunningCount(), 1u);
  EXPECT_EQ(earlier.getRunning()[0], "job 7 (kvd)");
  EXPECT_EQ(earlier.getChangeCount(), 1u);
}

TEST_F(GateTest, EarlierSessionIsEndedOrAdoptedOnRequest) {
  hello(gate());
  auto next =
      hello(gate(), [](auto greeting) { greeting.setSessionId(support::Id::random().data()); });
  auto session = next.response.getSession();
  auto adopt = [&]() {
    auto request = session.adoptEarlierRequest();
    request.setSessionId(id_.data());
    return request.send().wait(waitScope_);
  };
  auto end = [&]() {
    auto request = session.endEarlierRequest();
    request.setSessionId(id_.data());
    return request.send().wait(waitScope_);
  };
  EXPECT_FALSE(adopt().hasError());
  EXPECT_EQ(table_.count(), 2u);
  EXPECT_FALSE(end().hasError());
  EXPECT_EQ(table_.count(), 1u);
  EXPECT_FALSE(end().hasError()) << "it may be sent twice";
  EXPECT_EQ(adopt().getError().getKind(), Kind::EXPIRED);
}

}  // namespace
}  // namespace nodeagent
