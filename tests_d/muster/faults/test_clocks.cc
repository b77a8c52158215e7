// A command has a clock of its own, and a clock that has no effect is an error.
#include <cmath>

#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::HasSubstr;

class ClockTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }

 protected:
  Node& node() { return servers()[0]; }

  // Puts a program before the node's own faketime, until the end of the test.
  void replaceFaketime(const std::string& script) {
    node().file("/usr/local/sbin/faketime").write("#!/bin/sh\n" + script + "\n", {.mode = 0755});
  }
  void TearDown() override { node().run({"rm", "-f", "/usr/local/sbin/faketime"}); }

  // Returns the clock that a command sees, less the node's, in seconds.
  double difference(const Argv& date) {
    double real = std::stod(node().output({"date", "+%s.%N"}));
    return std::stod(node().output(date)) - real;
  }
  auto clock(const FakeClock& clock) {
    return [=, this] { withClock(node(), clock, {"true"}); };
  }
};

TEST_F(ClockTest, CommandIsLateOrTheMissingPackageIsNamed) {
  if (!node().run({"which", "faketime"}).succeeded()) {
    EXPECT_THAT(clock({.offset = 1h}),
                FailsWith(NodeError::Kind::kUnsupported, HasSubstr("package faketime")));
    return;
  }
  EXPECT_NEAR(difference(withClock(node(), {.offset = -1h}, {"date", "+%s.%N"})), -3600, 5);
  EXPECT_NEAR(difference({"date", "+%s.%N"}), 0, 5) << "the node's own clock stays";
  EXPECT_THAT(node().run(withClock(node(), {.rate = 10}, {"timeout", "5", "sleep", "20"})),
              Succeeded());
}

TEST_F(ClockTest, ClockWithoutEffectIsAnError) {
  replaceFaketime("shift 2; exec \"$@\"");
  constexpr auto kInfrastructure = NodeError::Kind::kInfrastructure;
  EXPECT_THAT(clock({.offset = 1h}), FailsWith(kInfrastructure, HasSubstr("the clock is off by")));
  EXPECT_THAT(clock({.rate = 3}), FailsWith(kInfrastructure, HasSubstr("runs at rate")));
  EXPECT_NO_THROW(clock({})());
  replaceFaketime("exit 0");
  EXPECT_THAT(clock({.offset = 1h}), FailsWith(kInfrastructure, HasSubstr("printed no times")));
}

TEST_F(ClockTest, WrongClocksAreRefused) {
  for (const FakeClock& wrong : {FakeClock{.rate = 0}, FakeClock{.rate = 101},
                                 FakeClock{.rate = std::nan("")}, FakeClock{.offset = 90000h}}) {
    EXPECT_THAT(clock(wrong), FailsWith(NodeError::Kind::kInvalid));
  }
  EXPECT_THAT([&] { withClock(node(), {}, {}); }, FailsWith(NodeError::Kind::kInvalid));
}

}  // namespace
