#include "nodeagent/reserve/reservation_table.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <kj/debug.h>

#include "nodeagent/session/session_fixture.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::reserve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = wire::Error::Kind;

// Returns the kind of the failure that `call` ends with; unspecified if it does not fail.
template <typename Call>
Kind kindOf(Call&& call, std::string* text = nullptr) {
  Kind kind = Kind::UNSPECIFIED;
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { call(); })) {
    auto failure = support::toFailure(*exception, "test");
    if (text != nullptr) *text = failure.text.cStr();
    kind = failure.kind;
  }
  return kind;
}

class ReservationTableTest : public SessionFixture, private TableListener {
 protected:
  ReservationTableTest() { SessionFixture::table_.noteUse(use_); }
  ~ReservationTableTest() noexcept override = default;

  // A session with a connection, of a user with the certificate that all users share.
  struct User {
    kj::Own<Session> session;
    kj::Own<Session::Contact> contact;
  };

  User user(const std::string& name, const std::string& label = "",
            kj::StringPtr identity = "operator:ci") {
    Session::Options options;
    options.id = support::Id::random();
    options.identity = kj::str(identity);
    options.role = wire::Role::OPERATOR;
    auto labels = kj::heapArrayBuilder<Label>(label.empty() ? 1 : 2);
    labels.add(Label{kj::str("user"), kj::str(name.c_str())});
    if (!label.empty()) labels.add(Label{kj::str("reservation"), kj::str(label.c_str())});
    options.labels = labels.finish();
    User made;
    made.session =
        SessionFixture::table_.attach(kj::mv(options), wire::Attach::CREATE_OR_ATTACH).session;
    made.contact = kj::heap<Session::Contact>(*made.session);
    return made;
  }

  static Request request(Request::IfTaken ifTaken = Request::IfTaken::kQueued,
                         Coverage coverage = Coverage::SESSION) {
    Request request;
    request.id = support::Id::random();
    request.coverage = coverage;
    request.ifTaken = ifTaken;
    return request;
  }

  // Asks as one who waits, and returns the id.
  support::Id ask(User& of, Coverage coverage = Coverage::SESSION) {
    auto asked = request(Request::IfTaken::kQueued, coverage);
    support::Id id = asked.id;
    reservations_.reserve(*of.session, kj::mv(asked));
    return id;
  }

  bool holds(const support::Id& id) {
    KJ_IF_MAYBE (held, reservations_.held()) return held->id == id;
    return false;
  }

  uint32_t rankOf(User& of, const support::Id& id) {
    KJ_IF_MAYBE (state, reservations_.find(*of.session, id)) {
      if (state->is<WaitingState>()) return state->get<WaitingState>().rank;
    }
    return 0;
  }

  Kind use(User& of, std::string* text = nullptr) {
    return kindOf([&]() { of.session->requireOpen(); }, text);
  }

  void end(User& of) {
    of.contact = nullptr;
    SessionFixture::table_.end(*of.session, EndReason::kClosed).wait(waitScope_);
  }

  void changed() override { ++changes_; }
  void standingEnded(const support::Id& id) override { dropped_.push_back(id.text()); }

  int changes_ = 0;
  std::vector<std::string> dropped_;
  NodeUse use_;
  ReservationTable reservations_{clock_, use_, *this};
};

TEST_F(ReservationTableTest, OthersMayReadButNotBeginToUseTheNode) {
  User alice = user("alice@a");
  User bob = user("bob@b");
  ask(alice);
  std::string text;
  EXPECT_EQ(use(bob, &text), Kind::RESERVED);
  EXPECT_THAT(text, HasSubstr("the node is reserved by alice@a (operator:ci) since 2023-"));
  EXPECT_THAT(text, HasSubstr("muster why"));
  EXPECT_EQ(kindOf([&]() { bob.session->requireAlive(); }), Kind::UNSPECIFIED);
  EXPECT_EQ(use(alice), Kind::UNSPECIFIED);
  end(alice);
  EXPECT_EQ(use(bob), Kind::UNSPECIFIED);
}

TEST_F(ReservationTableTest, ScopesAndAdoptedSessionsAreCovered) {
  User alice = user("alice@a");
  User earlier = user("alice@a");
  ask(alice);
  auto scope = SessionFixture::table_.openScope(*alice.session, support::Id::random(), nullptr);
  scope->requireOpen();
  EXPECT_TRUE(alice.session->usesNode());
  EXPECT_EQ(use(earlier), Kind::RESERVED) << "the same person, but another session";
  earlier.contact = nullptr;
  SessionFixture::table_.adopt(*alice.session, *earlier.session);
  EXPECT_EQ(use(earlier), Kind::UNSPECIFIED);
}

TEST_F(ReservationTableTest, LabelCoversWhatACommandStarts) {
  User alice = user("alice@a");
  support::Id id = ask(alice);
  User child = user("alice@a", support::Id::random().text() + "," + id.text());
  EXPECT_EQ(use(child), Kind::UNSPECIFIED);
  User thief = user("alice@a", id.text(), "operator:other");
  EXPECT_EQ(use(thief), Kind::RESERVED) << "another identity";
}

TEST_F(ReservationTableTest, PersonIsCoveredWithAllSessionsOfHers) {
  User alice = user("alice@a");
  ask(alice, Coverage::PERSON);
  User again = user("alice@a");
  User other = user("alice@elsewhere");
  EXPECT_EQ(use(again), Kind::UNSPECIFIED);
  EXPECT_EQ(use(other), Kind::RESERVED);
  auto state = reservations_.reserve(*again.session, request());
  ASSERT_TRUE(state.is<HeldState>()) << "she would wait for herself";
  EXPECT_TRUE(state.get<HeldState>().isCovered);
}

TEST_F(ReservationTableTest, FirstComeFirstServed) {
  User alice = user("alice@a");
  User bob = user("bob@b");
  User carol = user("carol@c");
  support::Id first = ask(alice);
  support::Id second = ask(bob);
  support::Id third = ask(carol);
  EXPECT_EQ(rankOf(bob, second), 1u);
  EXPECT_EQ(rankOf(carol, third), 2u);
  reservations_.end(first, How::RELEASED);
  EXPECT_TRUE(holds(second));
  EXPECT_EQ(rankOf(carol, third), 1u);
  end(bob);
  EXPECT_TRUE(holds(third));
}

TEST_F(ReservationTableTest, SentTwiceIsAskedOnce) {
  User alice = user("alice@a");
  User bob = user("bob@b");
  support::Id id = ask(alice);
  Request again = request();
  again.id = id;
  EXPECT_TRUE(reservations_.reserve(*alice.session, kj::mv(again)).is<HeldState>());
  EXPECT_TRUE(reservations_.queue().empty());
  Request stolen = request();
  stolen.id = id;
  EXPECT_EQ(kindOf([&]() { reservations_.reserve(*bob.session, kj::mv(stolen)); }), Kind::CONFLICT);
}

TEST_F(ReservationTableTest, OneThatDoesNotWaitIsRefused) {
  User alice = user("alice@a");
  User bob = user("bob@b");
  ask(alice);
  std::string text;
  auto hurried = [&]() {
    reservations_.reserve(*bob.session, request(Request::IfTaken::kRefused));
  };
  EXPECT_EQ(kindOf(hurried, &text), Kind::RESERVED);
  EXPECT_THAT(text, HasSubstr("reserved by alice@a"));
  EXPECT_TRUE(reservations_.queue().empty());
}

TEST_F(ReservationTableTest, WaitsForSessionsThatUseTheNodeAndLetsNoneBegin) {
  User bob = user("bob@b");
  ASSERT_EQ(use(bob), Kind::UNSPECIFIED);
  User alice = user("alice@a");
  support::Id id = ask(alice);
  EXPECT_FALSE(holds(id));
  auto state = reservations_.reserve(*alice.session, [&]() {
    Request again = request();
    again.id = id;
    return again;
  }());
  EXPECT_THAT(state.get<WaitingState>().reason.cStr(), HasSubstr("in use by a program of bob@b"));
  EXPECT_EQ(use(bob), Kind::UNSPECIFIED) << "he goes on";
  User carol = user("carol@c");
  EXPECT_EQ(use(carol), Kind::RESERVED) << "she would let alice wait longer";
  end(bob);
  EXPECT_TRUE(holds(id));
}

TEST_F(ReservationTableTest, OwnSessionsOfThePersonAreNotWaitedFor) {
  User run = user("alice@a");
  ASSERT_EQ(use(run), Kind::UNSPECIFIED);
  User alice = user("alice@a");
  EXPECT_TRUE(holds(ask(alice, Coverage::PERSON)));
}

TEST_F(ReservationTableTest, TwoThatUseTheNodeDoNotWaitForEachOther) {
  User alice = user("alice@a");
  User bob = user("bob@b");
  ASSERT_EQ(use(alice), Kind::UNSPECIFIED);
  ASSERT_EQ(use(bob), Kind::UNSPECIFIED);
  support::Id first = ask(alice);
  std::string text;
  EXPECT_EQ(kindOf([&]() { ask(bob); }, &text), Kind::CONFLICT);
  EXPECT_THAT(text, HasSubstr("reserve before the first change"));
  end(bob);
  EXPECT_TRUE(holds(first));
}

TEST_F(ReservationTableTest, TimeEndsItAndTheNextFollows) {
  User alice = user("alice@a");
  User bob = user("bob@b");
  Request short_ = request();
  short_.lengthNs = 10'000'000'000;
  support::Id first = short_.id;
  reservations_.reserve(*alice.session, kj::mv(short_));
  support::Id second = ask(bob);
  clock_.advance(9'999'999'999);
  reservations_.settle();
  EXPECT_TRUE(holds(first));
  clock_.advance(1);
  reservations_.settle();
  EXPECT_TRUE(holds(second));
  EXPECT_EQ(reservations_.ended().front().how, How::EXPIRED);
}

TEST_F(ReservationTableTest, LostConnectionLosesThePlaceAfterAMoment) {
  User alice = user("alice@a");
  User bob = user("bob@b");
  User carol = user("carol@c");
  support::Id first = ask(alice);
  support::Id second = ask(bob);
  support::Id third = ask(carol);
  bob.contact = nullptr;
  reservations_.settle();
  clock_.advance(ReservationTable::kAbsenceMaxNs - 1);
  reservations_.end(first, How::RELEASED);
  EXPECT_FALSE(holds(second)) << "nobody is there who could use it";
  EXPECT_FALSE(holds(third)) << "he may come back";
  clock_.advance(1);
  reservations_.settle();
  EXPECT_TRUE(holds(third));
  auto state = KJ_ASSERT_NONNULL(reservations_.find(*bob.session, second));
  ASSERT_TRUE(state.is<EndedReservation*>());
  EXPECT_EQ(state.get<EndedReservation*>()->how, How::SESSION_ENDED);
}

TEST_F(ReservationTableTest, OneWhoComesBackInTimeKeepsThePlace) {
  User alice = user("alice@a");
  User bob = user("bob@b");
  support::Id first = ask(alice);
  support::Id second = ask(bob);
  bob.contact = nullptr;
  reservations_.settle();
  clock_.advance(ReservationTable::kAbsenceMaxNs / 2);
  bob.contact = kj::heap<Session::Contact>(*bob.session);
  reservations_.settle();
  clock_.advance(ReservationTable::kAbsenceMaxNs);
  reservations_.settle();
  reservations_.end(first, How::RELEASED);
  EXPECT_TRUE(holds(second));
}

TEST_F(ReservationTableTest, QueueAndMemoryAreBounded) {
  User alice = user("alice@a");
  ask(alice);
  std::vector<User> waiting;
  for (size_t i = 0; i < ReservationTable::kWaitingMax; ++i) {
    waiting.push_back(user("bob@b"));
    ask(waiting.back());
  }
  User late = user("carol@c");
  EXPECT_EQ(kindOf([&]() { ask(late); }), Kind::OVERLOADED);
  waiting.clear();
  reservations_.settle();
  clock_.advance(ReservationTable::kAbsenceMaxNs);
  reservations_.settle();
  EXPECT_TRUE(reservations_.queue().empty());
  EXPECT_EQ(reservations_.ended().size(), ReservationTable::kEndedMax);
}

TEST_F(ReservationTableTest, FieldsOutOfRangeAreNamed) {
  User alice = user("alice@a");
  auto tryLength = [&](int64_t lengthNs) {
    Request tried = request();
    tried.lengthNs = lengthNs;
    return kindOf([&]() { reservations_.reserve(*alice.session, kj::mv(tried)); });
  };
  EXPECT_EQ(tryLength(kLengthMinNs - 1), Kind::INVALID);
  EXPECT_EQ(tryLength(kLengthMaxNs + 1), Kind::INVALID);
  Request tried = request();
  tried.reason = kj::str("two\nlines");
  EXPECT_EQ(kindOf([&]() { reservations_.reserve(*alice.session, kj::mv(tried)); }), Kind::INVALID);
  EXPECT_EQ(tryLength(kLengthMaxNs), Kind::UNSPECIFIED);
}

TEST_F(ReservationTableTest, StandingOneOutlivesItsSessionAndIsDroppedAtItsEnd) {
  User alice = user("alice@a");
  support::Id id = ask(alice, Coverage::PERSON);
  auto& held = KJ_ASSERT_NONNULL(reservations_.findHeld(*alice.session, id));
  clock_.advance(kLengthDefaultNs / 2);
  reservations_.makeStanding(held, clock_.realtimeNs(), kLengthDefaultNs);
  end(alice);
  EXPECT_TRUE(holds(id));
  User back = user("alice@a");
  EXPECT_EQ(use(back), Kind::UNSPECIFIED);
  clock_.advance(kLengthDefaultNs - 1);
  reservations_.settle();
  EXPECT_TRUE(holds(id)) << "its time has begun anew";
  clock_.advance(1);
  reservations_.settle();
  EXPECT_FALSE(holds(id));
  EXPECT_THAT(dropped_, ElementsAre(id.text()));
}

Reservation kept(const Clock& clock, int64_t sinceNs, int64_t lengthNs) {
  Reservation kept;
  kept.id = support::Id::random();
  kept.identity = kj::str("operator:ci");
  kept.user = kj::str("alice@a");
  kept.coverage = Coverage::PERSON;
  kept.sinceRealtimeNs = clock.realtimeNs() + sinceNs;
  kept.lengthNs = lengthNs;
  return kept;
}

TEST_F(ReservationTableTest, EarlierKeepersReservationGoesOnForTheTimeThatIsLeft) {
  auto earlier = kept(clock_, -30'000'000'000, 40'000'000'000);
  support::Id id = earlier.id;
  reservations_.restore(kj::mv(earlier));
  EXPECT_EQ(reservations_.leftNs(KJ_ASSERT_NONNULL(reservations_.held())), 10'000'000'000);
  auto second = kept(clock_, 0, 40'000'000'000);
  auto secondId = second.id;
  reservations_.restore(kj::mv(second));
  EXPECT_TRUE(holds(id));
  EXPECT_THAT(dropped_, ElementsAre(secondId.text()));
}

TEST_F(ReservationTableTest, ClockThatWasSetDoesNotMakeItLonger) {
  auto over = kept(clock_, -50'000'000'000, 40'000'000'000);
  auto overId = over.id;
  reservations_.restore(kj::mv(over));
  EXPECT_TRUE(reservations_.isIdle());
  EXPECT_THAT(dropped_, ElementsAre(overId.text()));
  reservations_.restore(kept(clock_, 3'600'000'000'000, 40'000'000'000));
  EXPECT_EQ(reservations_.leftNs(KJ_ASSERT_NONNULL(reservations_.held())), 40'000'000'000);
}

}  // namespace
}  // namespace nodeagent::reserve
