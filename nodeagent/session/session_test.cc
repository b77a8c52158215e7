// Tries leases and undo lists on a clock that the test moves.
#include "nodeagent/session/session.h"

#include "nodeagent/session/session_fixture.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

class SessionTest : public SessionFixture {
 protected:
  ~SessionTest() noexcept override {}

  void settle() { waitScope_.poll(); }

  SessionTable::Attached attach(support::Id id, wire::Attach how = wire::Attach::CREATE_OR_ATTACH,
                                kj::StringPtr identity = "operator:ci", int64_t leaseNs = 0) {
    Session::Options options;
    options.id = id;
    options.identity = kj::str(identity);
    options.leaseNs = leaseNs;
    return table_.attach(kj::mv(options), how);
  }

  Session::End note(kj::StringPtr name) {
    return [this, name]() -> kj::Promise<kj::Maybe<support::Failure>> {
      calls_.push_back(name.cStr());
      return kj::Maybe<support::Failure>(nullptr);
    };
  }

  template <typename Call>
  Kind kindOf(Call&& call) {
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions(kj::fwd<Call>(call))) {
      return support::toFailure(*exception, "test").kind;
    }
    return Kind::UNSPECIFIED;
  }

  std::vector<std::string> calls_;
  const support::Id id_ = support::Id::random();
};

TEST_F(SessionTest, EndStopsJobsThenUndoesBackwards) {
  auto session = attach(id_).session;
  auto first = session->addUndo(EndPhase::kUndo, kj::str("file"), note("file"));
  auto second = session->addUndo(EndPhase::kStop, kj::str("job"), note("job"));
  auto third = session->addUndo(EndPhase::kUndo, kj::str("address"), note("address"));
  table_.end(*session, EndReason::kClosed).wait(waitScope_);
  EXPECT_EQ(calls_, (std::vector<std::string>{"job", "address", "file"}));
  EXPECT_EQ(session->leftovers().size(), 0u);
}

TEST_F(SessionTest, DroppedEntryIsNotCalled) {
  auto session = attach(id_).session;
  { auto entry = session->addUndo(EndPhase::kUndo, kj::str("file"), note("file")); }
  table_.end(*session, EndReason::kClosed).wait(waitScope_);
  EXPECT_TRUE(calls_.empty());
}

TEST_F(SessionTest, EntryDestroyedByAnotherIsNotCalled) {
  auto session = attach(id_).session;
  kj::Maybe<kj::Own<Session::Entry>> victim;
  victim = session->addUndo(EndPhase::kStop, kj::str("victim"), note("victim"));
  auto killer = session->addUndo(EndPhase::kStop, kj::str("killer"),
                                 [&victim]() -> kj::Promise<kj::Maybe<support::Failure>> {
                                   victim = nullptr;
                                   return kj::Maybe<support::Failure>(nullptr);
                                 });
  table_.end(*session, EndReason::kClosed).wait(waitScope_);
  EXPECT_TRUE(calls_.empty());
}

TEST_F(SessionTest, FailuresAndHangsBecomeLeftovers) {
  auto session = attach(id_).session;
  auto last = session->addUndo(EndPhase::kUndo, kj::str("good"), note("good"));
  auto broken = session->addUndo(EndPhase::kUndo, kj::str("broken"),
                                 []() -> kj::Promise<kj::Maybe<support::Failure>> {
                                   support::failErrno(EROFS, "rename /etc/x");
                                 });
  auto hung = session->addUndo(EndPhase::kUndo, kj::str("hung"), []() {
    return kj::Promise<kj::Maybe<support::Failure>>(kj::NEVER_DONE);
  });
  auto ended = table_.end(*session, EndReason::kClosed);
  settle();
  advance(Session::kEndLimit);
  ended.wait(waitScope_);
  ASSERT_EQ(session->leftovers().size(), 2u);
  EXPECT_STREQ(session->leftovers()[0].what.cStr(), "hung");
  EXPECT_EQ(session->leftovers()[0].reason.kind, Kind::TIMEOUT);
  EXPECT_STREQ(session->leftovers()[1].reason.text.cStr(), "rename /etc/x: Read-only file system");
  EXPECT_EQ(calls_, std::vector<std::string>{"good"});
}

TEST_F(SessionTest, EndedSessionAcceptsNothingAndItsIdIsSpent) {
  auto session = attach(id_).session;
  table_.end(*session, EndReason::kClosed).wait(waitScope_);
  EXPECT_EQ(kindOf([&]() { session->requireOpen(); }), Kind::EXPIRED);
  EXPECT_EQ(kindOf([&]() { session->addUndo(EndPhase::kStop, kj::str("late"), note("late")); }),
            Kind::EXPIRED);
  EXPECT_EQ(kindOf([&]() { attach(id_); }), Kind::EXPIRED);
}

TEST_F(SessionTest, LeaseEndsOnTheBootClockUnlessRenewed) {
  auto session = attach(id_, wire::Attach::CREATE_OR_ATTACH, "operator:ci", 3'000'000'000).session;
  auto entry = session->addUndo(EndPhase::kStop, kj::str("job"), note("job"));
  auto watch = table_.watchLeases().eagerlyEvaluate(nullptr);
  advance(2900 * kj::MILLISECONDS);
  session->renew();
  advance(2900 * kj::MILLISECONDS);
  EXPECT_FALSE(session->ending());
  advance(100 * kj::MILLISECONDS);
  EXPECT_TRUE(session->ending());
  EXPECT_EQ(calls_, std::vector<std::string>{"job"});
  EXPECT_EQ(table_.count(), 0u);
}

TEST_F(SessionTest, LeaseCountsSuspendedTime) {
  auto session = attach(id_).session;
  auto watch = table_.watchLeases().eagerlyEvaluate(nullptr);
  settle();
  clock_.advance(SessionTable::kLeaseDefaultNs);  // Suspended: the event loop's timer stood still.
  EXPECT_FALSE(session->ending());
  timer_.advanceTo(timer_.now() + 1 * kj::SECONDS);
  settle();
  EXPECT_TRUE(session->ending());
}

TEST_F(SessionTest, AttachFindsOnlyTheCallersOwnSession) {
  EXPECT_EQ(kindOf([&]() { attach(id_, wire::Attach::ATTACH_ONLY); }), Kind::EXPIRED);
  auto first = attach(id_);
  EXPECT_FALSE(first.existed);
  EXPECT_TRUE(attach(id_, wire::Attach::ATTACH_ONLY).existed);
  EXPECT_EQ(kindOf([&]() { attach(id_, wire::Attach::CREATE_OR_ATTACH, "operator:eve"); }),
            Kind::DENIED);
}

TEST_F(SessionTest, LeaseOutOfRangeIsInvalid) {
  auto begin = [this](int64_t leaseNs) {
    return kindOf(
        [&]() { attach(support::Id::random(), wire::Attach::CREATE_OR_ATTACH, "x", leaseNs); });
  };
  EXPECT_EQ(begin(SessionTable::kLeaseMinNs - 1), Kind::INVALID);
  EXPECT_EQ(begin(SessionTable::kLeaseMinNs), Kind::UNSPECIFIED);
  EXPECT_EQ(begin(SessionTable::kLeaseMaxNs), Kind::UNSPECIFIED);
  EXPECT_EQ(begin(SessionTable::kLeaseMaxNs + 1), Kind::INVALID);
}

TEST_F(SessionTest, SessionsAreLimited) {
  for (size_t i = 0; i < SessionTable::kSessionsMax; ++i) attach(support::Id::random());
  EXPECT_EQ(kindOf([&]() { attach(support::Id::random()); }), Kind::OVERLOADED);
}

}  // namespace
}  // namespace nodeagent
