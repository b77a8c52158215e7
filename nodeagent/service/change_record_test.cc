// Tries what brings a service back on a manager that is a value, and the records on disk.
#include "nodeagent/service/change_record.h"

#include <vector>

#include <gmock/gmock.h>
#include <kj/debug.h>

#include "nodeagent/service/fake_node_testing.h"

namespace nodeagent::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Obeys at once, and remembers what it was told.
class FakeManager final : public Manager {
 public:
  Status status(kj::StringPtr name, Log) override {
    if (isGone) support::fail(Kind::NOT_FOUND, "service ", name, ": is none");
    Status status;
    status.manager = manager;
    status.state = state;
    status.enabled = enabled;
    return status;
  }
  ActResult act(kj::StringPtr, Action action, int64_t) override {
    calls.push_back(actionText(action).cStr());
    ActResult result;
    if (action == refused) {
      result.kind = Kind::SYSTEM;
      result.text = kj::str("refused");
      return result;
    }
    if (action == Action::START) state = State::RUNNING;
    if (action == Action::STOP) state = State::STOPPED;
    if (action == Action::RESET_FAILED) state = State::STOPPED;
    if (action == Action::ENABLE) enabled = Enabled::ENABLED;
    if (action == Action::DISABLE || action == Action::UNMASK) enabled = Enabled::DISABLED;
    if (action == Action::MASK) enabled = Enabled::MASKED;
    return result;
  }
  ActResult kill(kj::StringPtr, int, int64_t) override { return {}; }
  Journal journalSince(kj::StringPtr, int64_t) override { return {}; }

  wire::ServiceStatus::Manager manager = wire::ServiceStatus::Manager::SYSTEMD;
  State state = State::STOPPED;
  Enabled enabled = Enabled::DISABLED;
  bool isGone = false;
  Action refused = Action::UNSPECIFIED;
  std::vector<std::string> calls;
};

class BringBackTest : public ::testing::Test {
 protected:
  ~BringBackTest() noexcept override {}

  kj::Maybe<support::Failure> bringBackTo(State before, kj::Maybe<Enabled> enabled = nullptr) {
    ChangeRecord record{kj::str("fake"), kj::String(), before, enabled};
    return bringBack(manager_, record);
  }

  FakeManager manager_;
};

TEST_F(BringBackTest, ServiceThatIsAsBeforeIsNotTouched) {
  EXPECT_TRUE(bringBackTo(State::STOPPED, Enabled::DISABLED) == nullptr);
  manager_.state = State::RUNNING;
  EXPECT_TRUE(bringBackTo(State::RUNNING) == nullptr);
  manager_.state = State::FAILED;
  EXPECT_TRUE(bringBackTo(State::FAILED) == nullptr);
  EXPECT_THAT(manager_.calls, IsEmpty());
}

TEST_F(BringBackTest, RunningServiceIsStoppedAndStoppedOneStarted) {
  manager_.state = State::RUNNING;
  EXPECT_TRUE(bringBackTo(State::STOPPED) == nullptr);
  EXPECT_TRUE(bringBackTo(State::RUNNING) == nullptr);
  EXPECT_THAT(manager_.calls, ElementsAre("stop", "start"));
}

TEST_F(BringBackTest, FailedServiceIsResetBeforeItsStart) {
  manager_.state = State::FAILED;
  EXPECT_TRUE(bringBackTo(State::RUNNING) == nullptr);
  manager_.state = State::FAILED;
  EXPECT_TRUE(bringBackTo(State::STOPPED) == nullptr);
  EXPECT_THAT(manager_.calls, ElementsAre("reset-failed", "start", "reset-failed"));
}

TEST_F(BringBackTest, ScriptWithoutAResetIsStopped) {
  manager_.manager = wire::ServiceStatus::Manager::SYSV;
  manager_.state = State::FAILED;
  EXPECT_TRUE(bringBackTo(State::STOPPED) == nullptr);
  EXPECT_THAT(manager_.calls, ElementsAre("stop"));
}

TEST_F(BringBackTest, MaskEndsBeforeTheStartAndBeginsBehindTheStop) {
  manager_.enabled = Enabled::MASKED;
  EXPECT_TRUE(bringBackTo(State::RUNNING, Enabled::ENABLED) == nullptr);
  EXPECT_THAT(manager_.calls, ElementsAre("unmask", "start", "enable"));
  manager_.calls.clear();
  EXPECT_TRUE(bringBackTo(State::STOPPED, Enabled::MASKED) == nullptr);
  EXPECT_THAT(manager_.calls, ElementsAre("stop", "mask"));
}

TEST_F(BringBackTest, FirstFailureIsToldAndTheRestIsDone) {
  manager_.enabled = Enabled::ENABLED;
  manager_.refused = Action::START;
  auto failure = bringBackTo(State::RUNNING, Enabled::DISABLED);
  EXPECT_STREQ(KJ_ASSERT_NONNULL(failure).text.cStr(), "refused");
  EXPECT_EQ(manager_.enabled, Enabled::DISABLED);
}

TEST_F(BringBackTest, ServiceThatIsGoneWasNotRunning) {
  manager_.isGone = true;
  EXPECT_TRUE(bringBackTo(State::STOPPED, Enabled::DISABLED) == nullptr);
  EXPECT_EQ(KJ_ASSERT_NONNULL(bringBackTo(State::RUNNING)).kind, Kind::NOT_FOUND);
}

class ChangeJournalTest : public ::testing::Test {
 protected:
  ~ChangeJournalTest() noexcept override {}

  FakeNode node_;
  kj::Own<const ChangeJournal> journal_ =
      kj::atomicRefcounted<ChangeJournal>(node_.path("services"));
};

TEST_F(ChangeJournalTest, RecordComesBackWhole) {
  auto name = journal_->newName();
  journal_->write(name, {kj::str("a.socket"), kj::str("me"), State::RUNNING, Enabled::MASKED});
  auto record = KJ_ASSERT_NONNULL(journal_->read(name));
  EXPECT_EQ(record.name, "a.socket");
  EXPECT_EQ(record.user, "me");
  EXPECT_EQ(record.state, State::RUNNING);
  EXPECT_TRUE(KJ_ASSERT_NONNULL(record.enabled) == Enabled::MASKED);
  journal_->drop(name);
  EXPECT_EQ(journal_->names().size(), 0u);
}

TEST_F(ChangeJournalTest, NewestIsFirst) {
  auto first = journal_->newName();
  auto second = journal_->newName();
  for (kj::StringPtr name : {first.asPtr(), second.asPtr()}) {
    journal_->write(name, {kj::str("x"), kj::String(), State::STOPPED, nullptr});
  }
  auto names = journal_->names();
  ASSERT_EQ(names.size(), 2u);
  EXPECT_EQ(names[0], second);
}

TEST_F(ChangeJournalTest, DamagedRecordIsNone) {
  auto name = journal_->newName();
  journal_->write(name, {kj::str("x"), kj::String(), State::RUNNING, nullptr});
  auto file = std::string("services/") + name.cStr();
  std::string text = node_.content(file);
  for (size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = damaged[i] == '1' ? '2' : '1';
    std::ofstream(node_.path(file).cStr()) << damaged;
    EXPECT_TRUE(journal_->read(name) == nullptr) << i;
  }
  std::ofstream(node_.path(file).cStr()) << "";
  EXPECT_TRUE(journal_->read(name) == nullptr);
}

}  // namespace
}  // namespace nodeagent::service
