// Whatever is killed while a cluster is made, `muster down` removes the rest.
#include <chrono>
#include <random>
#include <string>

#include "component.h"
#include "tests_d/muster/support/wait.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;

constexpr int kRounds = 10;
// About the time that up() takes here.
constexpr int kMillisecondsMax = 2500;

class KillsTest : public ssh_tests::SshTest {
 public:
  static Needs needs() { return ssh_tests::needsHosts(NeedsInit::kSystemd); }

 protected:
  // Kills the controller, the program or both.
  static void strike(int victims) {
    if (victims != 1) controller().run({"pkill", "-KILL", "-x", "muster"});
    if (victims != 0) controller().run({"pkill", "-KILL", "-f", "^[^ ]*/muster-provisioner-ssh"});
  }
};

TEST_F(KillsTest, NothingStaysOfAnUpThatWasKilledAtAnyMoment) {
  std::mt19937_64 random(seed());
  std::string path = file(
      "one", "a1: {role: server, host: HOST1}\n  a2: {role: server, host: HOST2, control: ssh}");
  for (int round = 0; round < kRounds; ++round) {
    auto moment = std::chrono::milliseconds(random() % kMillisecondsMax);
    int victims = static_cast<int>(random() % 3);
    SCOPED_TRACE("victims " + std::to_string(victims) + " after " + std::to_string(moment.count()) +
                 " ms");
    Process up = beginInner("muster up " + path);
    muster_tests::letPass(moment);
    strike(victims);
    up.wait(60s);
    // It is refused while a program that has lost its controller cleans up by itself.
    ASSERT_THAT([&] { return inner("muster down one"); }, Eventually(Succeeded(), 60s, 200ms));
    expectNothingLeft();
    if (HasFailure()) return;
  }
}

TEST_F(KillsTest, CollectionRemovesAClusterWhoseOwnerWasKilled) {
  std::string path = file("one", "a1: {role: server, host: HOST1}");
  Process up = beginInner("muster up " + path);
  EXPECT_THAT([&] { return leftoversOn(host(1)); },
              Eventually(testing::HasSubstr("muster-agents"), 30s, 20ms));
  strike(2);
  up.wait(60s);
  EXPECT_THAT(inner("muster gc"), Prints("one: collected"));
  expectNothingLeft();
}

}  // namespace
