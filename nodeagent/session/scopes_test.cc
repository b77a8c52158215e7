// Tries the parts of a session that can be ended alone.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <kj/debug.h>

#include "nodeagent/session/session_fixture.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;
using testing::ElementsAre;

class ScopesTest : public SessionFixture {
 protected:
  ~ScopesTest() noexcept override {}

  kj::Own<Session> begin() {
    Session::Options options;
    options.id = support::Id::random();
    options.identity = kj::str("operator:ci");
    options.labels =
        kj::arr(Label{kj::str("run"), kj::str("1")}, Label{kj::str("test"), kj::str("none")});
    return table_.attach(kj::mv(options), wire::Attach::CREATE_OR_ATTACH).session;
  }

  kj::Own<Session> open(Session& session, support::Id id = support::Id::random()) {
    return table_.openScope(session, id, nullptr);
  }

  kj::Own<Session::Entry> note(Session& session, EndPhase phase, std::string name,
                               kj::StringPtr failure = nullptr) {
    return session.addUndo(
        phase, kj::str(name.c_str()),
        [this, name, failure = kj::str(failure)]() -> kj::Promise<kj::Maybe<support::Failure>> {
          calls_.push_back(name);
          if (failure.size() == 0) return kj::Maybe<support::Failure>(nullptr);
          return kj::Maybe<support::Failure>(support::Failure{Kind::SYSTEM, 0, kj::str(failure)});
        });
  }

  void end(Session& session) {
    table_.end(session, EndReason::kClosed).wait(waitScope_);
    waitScope_.poll();
  }

  template <typename Function>
  Kind errorOf(Function&& function) {
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions(function)) {
      return support::toFailure(*exception, "test").kind;
    }
    return Kind::UNSPECIFIED;
  }

  std::vector<std::string> calls_;
};

TEST_F(ScopesTest, EndsAloneAndLeavesTheRestOfTheSession) {
  auto session = begin();
  auto kept = note(*session, EndPhase::kUndo, "the session's");
  auto scope = open(*session);
  auto undo = note(*scope, EndPhase::kUndo, "the scope's undo");
  auto stop = note(*scope, EndPhase::kStop, "the scope's stop");
  end(*scope);
  EXPECT_THAT(calls_, ElementsAre("the scope's stop", "the scope's undo"));
  EXPECT_FALSE(session->ending());
  calls_.clear();
  end(*session);
  EXPECT_THAT(calls_, ElementsAre("the session's"));
}

TEST_F(ScopesTest, EndsWithItsSessionBeforeWhatIsOlder) {
  auto session = begin();
  auto older = note(*session, EndPhase::kUndo, "older");
  auto outer = open(*session);
  auto inOuter = note(*outer, EndPhase::kUndo, "outer");
  auto inner = open(*session);
  auto inInner = note(*inner, EndPhase::kUndo, "inner");
  end(*session);
  EXPECT_THAT(calls_, ElementsAre("inner", "outer", "older"));
  EXPECT_TRUE(inner->ending());
  EXPECT_EQ(table_.count(), 0u);
}

TEST_F(ScopesTest, EndsWhenTheLeaseOfItsSessionRunsOut) {
  auto session = begin();
  auto scope = open(*session);
  auto undo = note(*scope, EndPhase::kUndo, "undo");
  auto watch = table_.watchLeases();
  for (int second = 0; second < 50; ++second) advance(1 * kj::SECONDS);
  session->renew();
  for (int second = 0; second < 50; ++second) advance(1 * kj::SECONDS);
  EXPECT_FALSE(scope->ending());
  for (int second = 0; second < 12; ++second) advance(1 * kj::SECONDS);
  EXPECT_THAT(calls_, ElementsAre("undo"));
}

TEST_F(ScopesTest, IsFoundAgainByItsIdUntilItHasEnded) {
  auto session = begin();
  auto id = support::Id::random();
  auto scope = open(*session, id);
  EXPECT_EQ(open(*session, id).get(), scope.get());
  end(*scope);
  EXPECT_EQ(errorOf([&]() { open(*session, id); }), Kind::EXPIRED);
}

TEST_F(ScopesTest, SaysAgainWhatItLeft) {
  auto session = begin();
  auto id = support::Id::random();
  auto scope = open(*session, id);
  auto undo = note(*scope, EndPhase::kUndo, "file /x", "it is gone");
  end(*scope);
  auto found = KJ_ASSERT_NONNULL(table_.findScope(*session, id));
  ASSERT_EQ(found->leftovers().size(), 1u);
  EXPECT_STREQ(found->leftovers()[0].what.cStr(), "file /x");
  for (size_t i = 0; i < SessionTable::kEndedScopesMax; ++i) end(*open(*session));
  EXPECT_TRUE(table_.findScope(*session, id) == nullptr);
}

TEST_F(ScopesTest, LeftoversOfAScopeAreThoseOfItsSession) {
  auto session = begin();
  auto scope = open(*session);
  auto undo = note(*scope, EndPhase::kUndo, "file /x", "it is gone");
  end(*session);
  ASSERT_EQ(session->leftovers().size(), 1u);
  EXPECT_STREQ(session->leftovers()[0].reason.text.cStr(), "file /x: it is gone");
}

TEST_F(ScopesTest, BelongsToOneSessionAndCannotBeTakenOver) {
  auto session = begin();
  auto other = begin();
  auto scope = open(*session);
  EXPECT_EQ(errorOf([&]() { open(*other, scope->id()); }), Kind::CONFLICT);
  EXPECT_EQ(errorOf([&]() { open(*session, other->id()); }), Kind::CONFLICT);
  EXPECT_TRUE(table_.findScope(*other, scope->id()) == nullptr);
  EXPECT_EQ(errorOf([&]() { table_.findEarlier(*other, scope->id()); }), Kind::CONFLICT);
  EXPECT_EQ(errorOf([&]() {
              Session::Options options;
              options.id = scope->id();
              options.identity = kj::str("operator:ci");
              table_.attach(kj::mv(options), wire::Attach::ATTACH_ONLY);
            }),
            Kind::CONFLICT);
  auto earlier = table_.earlierThan(*other);
  ASSERT_EQ(earlier.size(), 1u);
  EXPECT_EQ(earlier[0].get(), session.get());
}

TEST_F(ScopesTest, HasTheLabelsOfItsSessionUnlessTheyAreGivenAnew) {
  auto session = begin();
  auto scope = table_.openScope(*session, support::Id::random(),
                                kj::arr(Label{kj::str("test"), kj::str("A.B")}));
  ASSERT_EQ(scope->labels().size(), 2u);
  EXPECT_STREQ(scope->labels()[0].name.cStr(), "run");
  EXPECT_STREQ(scope->labels()[1].value.cStr(), "A.B");
  EXPECT_EQ(errorOf([&]() {
              table_.openScope(*session, support::Id::random(),
                               kj::arr(Label{kj::str("UPPER"), kj::str("x")}));
            }),
            Kind::INVALID);
}

TEST_F(ScopesTest, AreLimitedAndNoSessionsOfTheirOwn) {
  auto session = begin();
  kj::Vector<kj::Own<Session>> scopes;
  for (size_t i = 0; i < SessionTable::kScopesMax; ++i) scopes.add(open(*session));
  EXPECT_EQ(errorOf([&]() { open(*session); }), Kind::OVERLOADED);
  EXPECT_EQ(table_.count(), 1u);
  end(*scopes[0]);
  open(*session);
  EXPECT_EQ(table_.count(), 1u);
}

TEST_F(ScopesTest, OpensNoneInASessionThatEnds) {
  auto session = begin();
  end(*session);
  EXPECT_EQ(errorOf([&]() { open(*session); }), Kind::EXPIRED);
}

TEST_F(ScopesTest, VariablesOfAScopeAreThoseOfTheWholeSession) {
  auto session = begin();
  auto scope = open(*session);
  auto other = open(*session);
  auto set = scope->variables().add(kj::arr(Variable{kj::str("A"), kj::str("1")}));
  EXPECT_EQ(other->variables().all().size(), 1u);
  EXPECT_EQ(session->variables().all()[0].value, "1");
  EXPECT_EQ(begin()->variables().all().size(), 0u);
  end(*scope);
  set = nullptr;
  EXPECT_EQ(session->variables().all().size(), 0u);
}

}  // namespace
}  // namespace nodeagent
