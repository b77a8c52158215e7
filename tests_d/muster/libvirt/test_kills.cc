// Nothing is left of a cluster whose command and program are killed at any moment.
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>

#include "component.h"
#include "tests_d/muster/support/wait.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::HasSubstr;

// About the time of an `up` with two nodes here.
constexpr int kMillisecondsMax = 900;

int rounds() {
  const char* wanted = std::getenv("MUSTER_LIBVIRT_KILLS");
  return wanted == nullptr ? 8 : std::atoi(wanted);
}

class KillsTest : public libvirt_tests::HypervisorTest {
 protected:
  static std::string twoNodes() {
    return file("one", "a1: {role: server}\n  a2: {role: server, init: systemd}");
  }

  // Kills the command, the program or both.
  static void strike(int victims) {
    if (victims != 1) hypervisor().run({"pkill", "-KILL", "-x", "muster"});
    if (victims != 0) hypervisor().run({"pkill", "-KILL", "-x", "muster-provisio"});
  }
};

TEST_F(KillsTest, CollectionRemovesWhatAnUpLeavesThatWasKilledAtAnyMoment) {
  std::mt19937_64 random(seed());
  std::string path = twoNodes();
  for (int round = 0; round < rounds(); ++round) {
    auto moment = std::chrono::milliseconds(random() % kMillisecondsMax);
    int victims = static_cast<int>(random() % 3);
    SCOPED_TRACE("round " + std::to_string(round) + ": victims " + std::to_string(victims) +
                 " after " + std::to_string(moment.count()) + " ms");
    Process up = beginInner("muster up " + path);
    muster_tests::letPass(moment);
    strike(victims);
    up.wait(60s);
    // One that came up before it was struck is no leftover. A program that has lost its command
    // removes what it has made, and may be at it.
    auto removeRest = [] {
      inner("muster gc; muster down one");
      return leftovers();
    };
    ASSERT_THAT(removeRest, Eventually(testing::IsEmpty(), 30s, 100ms));
  }
}

// The daemon itself destroys them.
TEST_F(KillsTest, DomainsOfAnOwnedClusterEndWithTheProgram) {
  Process up = beginInner("muster up --hold " + twoNodes());
  auto isUp = [] { return inner("muster exec --cluster one a2 -- echo alive || :").out; };
  ASSERT_THAT(isUp, Eventually(HasSubstr("alive"), 60s, 100ms));
  strike(2);
  up.wait(60s);
  EXPECT_THAT([] { return inner("virsh -q -c lxc:///system list --all").out; },
              Eventually(testing::IsEmpty(), 20s, 50ms));
  EXPECT_THAT(inner("muster gc"), Succeeded());
  EXPECT_EQ(leftovers(), "");
}

}  // namespace
