#include "nodeagent/session/node_use.h"

#include "nodeagent/session/session_fixture.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

class NodeUseTest : public SessionFixture, private UseRule {
 protected:
  NodeUseTest() {
    table_.noteUse(use_);
    use_.obey(this);
  }
  ~NodeUseTest() noexcept override { use_.obey(nullptr); }

  kj::Own<Session> begin() {
    Session::Options options;
    options.id = support::Id::random();
    return table_.attach(kj::mv(options), wire::Attach::CREATE_OR_ATTACH).session;
  }

  bool mayUse(Session& session) {
    return kj::runCatchingExceptions([&]() { session.requireOpen(); }) == nullptr;
  }

  void requireMayUse(Session&) override {
    ++asked_;
    if (isForbidden_) support::fail(wire::Error::Kind::RESERVED, "not now");
  }
  void noteLeft() override { ++left_; }

  NodeUse use_;
  bool isForbidden_ = false;
  int asked_ = 0;
  int left_ = 0;
};

TEST_F(NodeUseTest, RuleIsAskedOnceForASession) {
  auto session = begin();
  isForbidden_ = true;
  EXPECT_FALSE(mayUse(*session));
  EXPECT_FALSE(session->usesNode());
  isForbidden_ = false;
  EXPECT_TRUE(mayUse(*session));
  isForbidden_ = true;
  EXPECT_TRUE(mayUse(*session)) << "it goes on";
  EXPECT_EQ(asked_, 2);
  ASSERT_EQ(use_.users().size(), 1u);
  EXPECT_EQ(use_.users()[0].get(), session.get());
}

TEST_F(NodeUseTest, ScopeCountsAsItsSession) {
  auto session = begin();
  auto scope = table_.openScope(*session, support::Id::random(), nullptr);
  EXPECT_FALSE(session->usesNode()) << "nothing is changed yet";
  EXPECT_TRUE(mayUse(*scope));
  EXPECT_TRUE(session->usesNode());
  table_.end(*scope, EndReason::kClosed).wait(waitScope_);
  EXPECT_EQ(left_, 0) << "the session goes on";
}

TEST_F(NodeUseTest, SessionUsesTheNodeUntilItsChangesAreUndone) {
  auto session = begin();
  ASSERT_TRUE(mayUse(*session));
  auto undone = kj::newPromiseAndFulfiller<kj::Maybe<support::Failure>>();
  auto entry =
      session->addUndo(EndPhase::kUndo, kj::str("file"),
                       [promise = kj::mv(undone.promise)]() mutable { return kj::mv(promise); });
  auto ended = table_.end(*session, EndReason::kClosed);
  waitScope_.poll();
  EXPECT_EQ(use_.users().size(), 1u);
  undone.fulfiller->fulfill(nullptr);
  ended.wait(waitScope_);
  EXPECT_EQ(use_.users().size(), 0u);
  EXPECT_EQ(left_, 1);
}

}  // namespace
}  // namespace nodeagent
