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

// An init script that writes the time of its program to /run/kvd-time, as it is after its start.
class ServiceClockTest : public ClockTest {
 protected:
  void SetUp() override {
    if (!node().run({"which", "faketime"}).succeeded()) {
      GTEST_SKIP() << "the node has no program faketime";
    }
    const char* script =
        "#!/bin/sh\n[ ! -r /etc/default/kvd ] || . /etc/default/kvd\n"
        "case $1 in\n  stop|restart) pkill -F /run/kvd.pid ;;\nesac\n"
        "case $1 in\n  start|restart) rm -f /run/kvd-time\n"
        "    setsid sh -c 'date +%s > /run/kvd-time; exec sleep 60' > /dev/null 2>&1 &\n"
        "    echo $! > /run/kvd.pid ;;\n  status) pkill -0 -F /run/kvd.pid || exit 3 ;;\nesac\n"
        "true\n";
    node().file("/etc/init.d/kvd").write(script, {.mode = 0755, .undo = UndoAt::kTestEnd});
    readServices();
  }
  // systemd takes a script for a service once it has looked for it.
  void readServices() { node().shell("[ ! -d /run/systemd/system ] || systemctl daemon-reload"); }
  double lateness() {
    node().waitFor(Condition::file("/run/kvd-time"), 10s);
    double time = std::stod(node().shell("sleep 0.3; cat /run/kvd-time").out);
    return time - std::stod(node().output({"date", "+%s"}));
  }
};

TEST_F(ServiceClockTest, ServiceIsLateUntilItIsRestartedWithoutTheClock) {
  Change late = restartWithClock(node(), {.offset = -2h}, "kvd");
  EXPECT_NEAR(lateness(), -7200, 10);
  late.undo();
  EXPECT_FALSE(node().file("/etc/default/kvd").exists());
  node().service("kvd").restart();
  EXPECT_NEAR(lateness(), 0, 10);
}

TEST_F(ServiceClockTest, ServiceThatDoesNotTakeTheClockIsAnError) {
  node().run({"sed", "-i",
              "2s/.*/unset FAKETIME LD_PRELOAD MUSTER_CLOCK_OF/; s/exec sleep/exec "
              "env -i sleep/",
              "/etc/init.d/kvd"});
  readServices();
  EXPECT_THAT([&] { restartWithClock(node(), {.offset = -2h}, "kvd"); },
              FailsWith(NodeError::Kind::kInfrastructure, HasSubstr("no process of service kvd")));
  EXPECT_FALSE(node().file("/etc/default/kvd").exists());
  EXPECT_THAT([&] { restartWithClock(node(), {.offset = -2h}, "none"); },
              FailsWith(NodeError::Kind::kNotFound));
}

TEST_F(ClockTest, WrongClocksAreRefused) {
  for (const FakeClock& wrong : {FakeClock{.rate = 0}, FakeClock{.rate = 101},
                                 FakeClock{.rate = std::nan("")}, FakeClock{.offset = 90000h}}) {
    EXPECT_THAT(clock(wrong), FailsWith(NodeError::Kind::kInvalid));
  }
  EXPECT_THAT([&] { withClock(node(), {}, {}); }, FailsWith(NodeError::Kind::kInvalid));
}

}  // namespace
