// The mailbox without sockets, on a clock that the tests move.
#include "nodeagent/sync/mailbox.h"

#include <functional>

#include <capnp/message.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/test.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::sync {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kSecond = 1 * kj::SECONDS;

class MailboxTest : public testing::Test {
 protected:
  MailboxTest() {
    open({});
    pull(0);
  }
  ~MailboxTest() noexcept override = default;

  void open(const MailboxLimits& limits) {
    mailbox_ = kj::refcounted<Mailbox>(timer_, limits);
    commands_.onEnd([this](Command& command) { mailbox_->noteEnd(command); });
  }

  static Request requestOf(Verb verb, const std::string& name, SyncData data = {}) {
    Request request;
    request.verb = verb;
    request.name = name;
    request.data = std::move(data);
    return request;
  }

  // Returns the records above `after`, each as a text.
  std::vector<std::string> pull(uint64_t after, int64_t waitNs = 0) {
    capnp::MallocMessageBuilder message;
    auto results = message.initRoot<wire::Sync::PullResults>();
    mailbox_
        ->pull(after, waitNs,
               [results](unsigned count) mutable { return results.initRecords(count); })
        .wait(scope_);
    std::vector<std::string> texts;
    for (auto record : results.getRecords()) {
      texts.push_back(std::to_string(record.getNumber()) + " " + textOf(record));
    }
    return texts;
  }

  static std::string textOf(wire::Record::Reader record) {
    switch (record.which()) {
      case wire::Record::NOTIFIED:
        return std::string("notified ") + record.getNotified().getName().cStr();
      case wire::Record::WAITS:
        return "waits " + std::to_string(record.getWaits().getWaiter());
      case wire::Record::ARRIVED:
        return "arrived " + std::to_string(record.getArrived().getWaiter());
      case wire::Record::WITHDRAWN:
        return std::string(record.getWithdrawn().getTimedOut() ? "timed out " : "gone ") +
               std::to_string(record.getWithdrawn().getWaiter());
      case wire::Record::ENDED:
        return std::string("ended: ") + record.getEnded().getHow().cStr();
      default:
        return "other";
    }
  }

  void notify(const std::string& name) {
    mailbox_->serve(command(), requestOf(Verb::kNotify, name)).wait(scope_);
  }
  Command& command() { return KJ_ASSERT_NONNULL(commands_.find(session_->id(), 7)); }

  void advance(kj::Duration time) {
    now_ = now_ + time;
    timer_.advanceTo(now_);
    scope_.poll();
  }

  static wire::Error::Kind kindOf(const kj::Exception& exception) {
    return support::toFailure(exception, "test").kind;
  }

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::TimePoint now_ = kj::origin<kj::TimePoint>();
  kj::TimerImpl timer_{now_};
  kj::Own<Session> session_ =
      kj::refcounted<Session>(Session::Options{support::Id::random(), kj::str("test"),
                                               wire::Role::OPERATOR, nullptr, 60'000'000'000},
                              systemClock(), timer_);
  Commands commands_;
  kj::Own<Mailbox> mailbox_;
  kj::Own<Commands::Entry> entry_ = commands_.enter(*session_, 7, {"kvd"});
};

TEST_F(MailboxTest, RecordsAreKeptUntilTheyAreAcknowledged) {
  notify("a");
  notify("b");
  EXPECT_THAT(pull(0), ElementsAre("1 notified a", "2 notified b"));
  EXPECT_THAT(pull(0), ElementsAre("1 notified a", "2 notified b"));
  EXPECT_THAT(pull(1), ElementsAre("2 notified b"));
  EXPECT_EQ(mailbox_->recordCount(), 1u);
}

TEST_F(MailboxTest, PullWaitsForARecord) {
  capnp::MallocMessageBuilder message;
  auto results = message.initRoot<wire::Sync::PullResults>();
  auto pulled = mailbox_->pull(
      0, 20'000'000'000, [results](unsigned count) mutable { return results.initRecords(count); });
  EXPECT_FALSE(pulled.poll(scope_));
  notify("a");
  ASSERT_TRUE(pulled.poll(scope_));
  EXPECT_EQ(results.getRecords().size(), 1u);
}

TEST_F(MailboxTest, PullBeyondTheLastRecordIsRefused) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { pull(5); })) {
    EXPECT_EQ(kindOf(*exception), wire::Error::Kind::INVALID);
  } else {
    ADD_FAILURE() << "it was answered";
  }
}

TEST_F(MailboxTest, WaiterGetsItsAnswer) {
  auto served = mailbox_->serve(command(), requestOf(Verb::kWait, "go"));
  EXPECT_THAT(pull(0), ElementsAre("1 waits 1"));
  EXPECT_FALSE(served.poll(scope_));
  mailbox_->answer(1, {Reply::Kind::kDone, "", {{"k", "v"}}});
  EXPECT_EQ(served.wait(scope_).data, (SyncData{{"k", "v"}}));
  EXPECT_THAT(pull(1), ElementsAre());
  mailbox_->answer(1, {});
}

TEST_F(MailboxTest, WaitThatTakesTooLongIsWithdrawn) {
  auto request = requestOf(Verb::kBarrier, "start");
  request.limitNs = 1'000'000'000;
  auto served = mailbox_->serve(command(), request);
  advance(2 * kSecond);
  EXPECT_EQ(served.wait(scope_).kind, Reply::Kind::kTimedOut);
  EXPECT_THAT(pull(0), ElementsAre("1 arrived 1", "2 timed out 1"));
}

// The answer comes when nobody waits any more: the controller learns that it did not arrive.
TEST_F(MailboxTest, AnswerThatComesTooLateIsKnownByTheWithdrawal) {
  {
    auto served = mailbox_->serve(command(), requestOf(Verb::kWait, "go"));
    served.poll(scope_);
  }
  mailbox_->answer(1, {});
  EXPECT_THAT(pull(0), ElementsAre("1 waits 1", "2 gone 1"));
}

TEST_F(MailboxTest, EndOfACommandComesBeforeThatOfItsWait) {
  {
    auto served = mailbox_->serve(command(), requestOf(Verb::kBarrier, "start"));
    served.poll(scope_);
  }
  EXPECT_THAT(pull(0), ElementsAre("1 arrived 1"));
  EXPECT_TRUE(command().isWatched());
  entry_->end({kj::str("was killed by SIGKILL"), kj::str("out"), kj::str("err")});
  advance(kSecond);
  EXPECT_THAT(pull(1), ElementsAre("2 ended: was killed by SIGKILL", "3 gone 1"));
}

TEST_F(MailboxTest, WaitOfACommandThatGoesOnIsGoneSoon) {
  {
    auto served = mailbox_->serve(command(), requestOf(Verb::kBarrier, "start"));
    served.poll(scope_);
  }
  advance(Mailbox::kEndWait);
  EXPECT_THAT(pull(0), ElementsAre("1 arrived 1", "2 gone 1"));
}

TEST_F(MailboxTest, NothingIsAcceptedBeyondTheLimits) {
  open({.recordsMax = 2, .recordBytesMax = 1 << 20, .waitersMax = 1});
  pull(0);
  auto served = mailbox_->serve(command(), requestOf(Verb::kWait, "go"));
  auto second =
      kj::evalNow([&] { return mailbox_->serve(command(), requestOf(Verb::kWait, "go")); });
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { second.wait(scope_); })) {
    EXPECT_EQ(kindOf(*exception), wire::Error::Kind::OVERLOADED);
  } else {
    ADD_FAILURE() << "two wait";
  }
  notify("a");
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { notify("b"); })) {
    EXPECT_THAT(exception->getDescription().cStr(), HasSubstr("has not fetched the last 2"));
  } else {
    ADD_FAILURE() << "three records";
  }
  EXPECT_THAT(pull(1), ElementsAre("2 notified a"));
  notify("b");
}

TEST_F(MailboxTest, RequestWaitsForTheFirstPullAndIsRefusedWithoutOne) {
  open({});
  auto served = mailbox_->serve(command(), requestOf(Verb::kNotify, "a"));
  auto refused = mailbox_->serve(command(), requestOf(Verb::kNotify, "b"));
  EXPECT_FALSE(served.poll(scope_));
  pull(0);
  EXPECT_TRUE(served.poll(scope_));
  EXPECT_EQ(mailbox_->recordCount(), 2u);
  open({});
  refused = mailbox_->serve(command(), requestOf(Verb::kNotify, "c"));
  advance(Mailbox::kListenerWait);
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { refused.wait(scope_); })) {
    EXPECT_EQ(kindOf(*exception), wire::Error::Kind::UNSUPPORTED);
  } else {
    ADD_FAILURE() << "it was accepted";
  }
}

TEST_F(MailboxTest, EndOfTheSessionAnswersEverybody) {
  auto served = mailbox_->serve(command(), requestOf(Verb::kWait, "go"));
  mailbox_->close();
  auto reply = served.wait(scope_);
  EXPECT_EQ(reply.kind, Reply::Kind::kFailed);
  EXPECT_THAT(reply.text, HasSubstr("the session has ended"));
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { notify("a"); })) {
    EXPECT_EQ(kindOf(*exception), wire::Error::Kind::EXPIRED);
  } else {
    ADD_FAILURE() << "it was accepted";
  }
}

}  // namespace
}  // namespace nodeagent::sync
