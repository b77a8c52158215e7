// A cut is a lease: it outlives the front, and it ends with the keeper that holds it.
#include <optional>

#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using faults::pings;
using faults::tablesOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;

class KillTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  Node& a() { return servers()[0]; }
  Node& b() { return servers()[1]; }

  // Kills what runs with `pattern` in its command line, and waits for the reconnect.
  void kill(Node& node, const std::string& pattern) {
    uint32_t before = node.state().reconnects;
    node.run({"pkill", "-KILL", "-f", "--", pattern});
    EXPECT_THAT([&] { return node.state().reconnects; },
                Eventually(testing::Gt(before), 20s, 20ms));
  }
};

TEST_F(KillTest, CutOutlivesTheFront) {
  Fault cut = cluster().isolate(a());
  kill(a(), "--role=front");
  EXPECT_FALSE(pings(a(), b()));
  EXPECT_FALSE(pings(b(), a()));
  cut.heal();
  EXPECT_TRUE(pings(a(), b()));
}

// The next keeper finds what the killed one has left, long before the lease ends.
TEST_F(KillTest, SuccessorOfAKilledKeeperHealsAndTheTestIsTold) {
  Fault cut = cluster().isolate(a());
  ASSERT_THAT(tablesOf(a()), HasSubstr("muster_"));
  // Process 1 of the node matches too, but the kernel protects it.
  kill(a(), "nodeagent");
  EXPECT_THAT([&] { return tablesOf(a()); }, Eventually(IsEmpty(), 5s));
  EXPECT_THAT([&] { cut.heal(); },
              FailsWith(NodeError::Kind::kLost, HasSubstr("had ended before it was healed")));
  EXPECT_TRUE(pings(a(), b()));
  EXPECT_THAT(tablesOf(b()), IsEmpty());
}

// What a test forgets is ended with it by the node, as everything else that it did there.
class ForgottenFaultTest : public KillTest {
 protected:
  static std::optional<Fault> forgotten_;
};
std::optional<Fault> ForgottenFaultTest::forgotten_;

TEST_F(ForgottenFaultTest, LeavesACut) {
  forgotten_.emplace(cluster().isolate(a()));
  EXPECT_FALSE(pings(a(), b()));
}

TEST_F(ForgottenFaultTest, NextTestFindsNone) {
  if (!forgotten_) GTEST_SKIP() << "the test before was not run";
  EXPECT_TRUE(pings(a(), b()));
  EXPECT_THAT(tablesOf(a()) + tablesOf(b()), IsEmpty());
  EXPECT_THAT([] { forgotten_->heal(); }, FailsWith(NodeError::Kind::kLost));
  forgotten_.reset();
}

}  // namespace
