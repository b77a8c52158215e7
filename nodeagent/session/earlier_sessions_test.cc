// Tries what becomes of a session whose controller is gone, when the next one of the same identity
// comes.
#include <string>
#include <vector>

#include "nodeagent/session/session_fixture.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

class EarlierSessionsTest : public SessionFixture {
 protected:
  ~EarlierSessionsTest() noexcept override {}

  kj::Own<Session> begin(kj::StringPtr identity = "operator:ci") {
    Session::Options options;
    options.id = support::Id::random();
    options.identity = kj::str(identity);
    clock_.advance(1);
    return table_.attach(kj::mv(options), wire::Attach::CREATE_OR_ATTACH).session;
  }

  kj::Own<Session::Entry> note(Session& session, EndPhase phase, std::string name) {
    return session.addUndo(phase, kj::str(name.c_str()),
                           [this, name]() -> kj::Promise<kj::Maybe<support::Failure>> {
                             calls_.push_back(name);
                             return kj::Maybe<support::Failure>(nullptr);
                           });
  }

  bool finds(const Session& session, const Session& earlier) {
    return table_.findEarlier(session, earlier.id()) != nullptr;
  }

  Kind errorOfFinding(const Session& session, const Session& earlier) {
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { finds(session, earlier); })) {
      return support::toFailure(*exception, "test").kind;
    }
    return Kind::UNSPECIFIED;
  }

  void end(Session& session) {
    table_.end(session, EndReason::kClosed).wait(waitScope_);
    waitScope_.poll();
  }

  std::vector<std::string> calls_;
};

TEST_F(EarlierSessionsTest, NewestOfTheIdentityWithoutContactComeFirst) {
  auto first = begin();
  auto second = begin();
  auto inUse = begin();
  Session::Contact contact(*inUse);
  auto others = begin("operator:eve");
  auto session = begin();
  auto earlier = table_.earlierThan(*session);
  ASSERT_EQ(earlier.size(), 2u);
  EXPECT_EQ(earlier[0].get(), second.get());
  EXPECT_EQ(earlier[1].get(), first.get());
}

TEST_F(EarlierSessionsTest, SessionsInUseAndOfOthersAreNotFound) {
  auto session = begin();
  auto earlier = begin();
  auto others = begin("operator:eve");
  EXPECT_TRUE(finds(*session, *earlier));
  EXPECT_EQ(errorOfFinding(*session, *others), Kind::DENIED);
  {
    Session::Contact contact(*earlier);
    EXPECT_EQ(errorOfFinding(*session, *earlier), Kind::CONFLICT);
  }
  end(*earlier);
  EXPECT_FALSE(finds(*session, *earlier));
}

TEST_F(EarlierSessionsTest, SessionIsFoundUntilItsEndIsOver) {
  auto session = begin();
  auto earlier = begin();
  auto undo = kj::newPromiseAndFulfiller<void>();
  auto entry = earlier->addUndo(
      EndPhase::kUndo, kj::str("file"), [&undo]() -> kj::Promise<kj::Maybe<support::Failure>> {
        return undo.promise.then([]() -> kj::Maybe<support::Failure> { return nullptr; });
      });
  auto end = table_.end(*earlier, EndReason::kExpired);
  waitScope_.poll();
  EXPECT_TRUE(finds(*session, *earlier)) << "its end can be waited for";
  EXPECT_EQ(table_.earlierThan(*session).size(), 0u);
  undo.fulfiller->fulfill();
  end.wait(waitScope_);
  waitScope_.poll();
  EXPECT_FALSE(finds(*session, *earlier));
}

TEST_F(EarlierSessionsTest, AdoptedSessionLastsAsLongAsItsAdopter) {
  auto earlier = begin();
  auto session = begin();
  table_.adopt(*session, *earlier);
  auto watch = table_.watchLeases().eagerlyEvaluate(nullptr);
  for (int i = 0; i < 5; ++i) {
    session->renew();
    advance(59 * kj::SECONDS);
  }
  EXPECT_FALSE(earlier->ending());
  EXPECT_EQ(table_.earlierThan(*begin()).size(), 1u) << "the adopter stands for both";
  advance(2 * kj::SECONDS);
  EXPECT_TRUE(session->ending());
  EXPECT_TRUE(earlier->ending());
}

TEST_F(EarlierSessionsTest, AdoptedSessionIsUndoneAfterTheChangesOfItsAdopter) {
  auto earlier = begin();
  auto job = note(*earlier, EndPhase::kStop, "earlier job");
  auto file = note(*earlier, EndPhase::kUndo, "earlier file");
  auto session = begin();
  table_.adopt(*session, *earlier);
  auto own = note(*session, EndPhase::kUndo, "file");
  end(*session);
  EXPECT_EQ(calls_, (std::vector<std::string>{"file", "earlier job", "earlier file"}));
  EXPECT_EQ(table_.count(), 0u);
}

TEST_F(EarlierSessionsTest, EntriesOfAdoptedSessionsAreThoseOfTheirAdopter) {
  auto earlier = begin();
  auto job = note(*earlier, EndPhase::kStop, "earlier job");
  auto session = begin();
  table_.adopt(*session, *earlier);
  auto last = begin();
  table_.adopt(*last, *session);
  std::vector<std::string> entries;
  table_.visitEntries(*last, [&entries](EndPhase phase, kj::StringPtr what) {
    if (phase != EndPhase::kTidy) entries.push_back(what.cStr());
  });
  EXPECT_EQ(entries, (std::vector<std::string>{"earlier job"}));
}

TEST_F(EarlierSessionsTest, ControllerThatComesBackKeepsItsSession) {
  auto earlier = begin();
  auto session = begin();
  table_.adopt(*session, *earlier);
  Session::Options options;
  options.id = earlier->id();
  options.identity = kj::str("operator:ci");
  auto back = table_.attach(kj::mv(options), wire::Attach::ATTACH_ONLY);
  Session::Contact contact(*back.session);
  end(*session);
  EXPECT_FALSE(earlier->ending());
  EXPECT_EQ(table_.count(), 1u);
}

TEST_F(EarlierSessionsTest, AdoptedSessionMayEndFirst) {
  auto earlier = begin();
  auto session = begin();
  table_.adopt(*session, *earlier);
  end(*earlier);
  end(*session);
  EXPECT_EQ(table_.count(), 0u);
  EXPECT_EQ(session->leftovers().size(), 0u);
}

}  // namespace
}  // namespace nodeagent
