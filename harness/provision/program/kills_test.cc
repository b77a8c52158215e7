// Kills the process that makes a cluster, its program, or both, at random moments. Whatever the
// moment was, collect() and down() leave nothing.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include <gmock/gmock.h>

#include "harness/os/process.h"
#include "harness/provision/error.h"
#include "harness/provision/kinds.h"
#include "harness/provision/program/fake_kind_testing.h"

namespace harness {
namespace {

constexpr int kKills = 40;
// An up() of two fake nodes takes about half of that.
constexpr int kLatestMicroseconds = 100'000;
constexpr std::chrono::seconds kSoon{20};

class KillsTest : public ::testing::TestWithParam<Tenure> {
 protected:
  void SetUp() override { ::setenv("MUSTER_PROVISIONERS", MUSTER_FAKES_DIR, 1); }

  std::string leftovers() const { return programLeftovers(options_.store, "demo"); }

  pid_t upInAnotherProcess() {
    pid_t child = ::fork();
    if (child != 0) return child;
    try {
      ProgramProvisioner provisioner(options_);
      provisioner.up(parsePlan("name: demo\nprovisioner: fake\n"
                               "nodes: {\"node[1-2]\": {role: server}}",
                               "/x/f.yaml"),
                     GetParam());
      for (;;) ::pause();
    } catch (const std::exception&) {
      // Its program was killed.
      ::_exit(1);
    }
  }

  void killProgram() {
    std::optional<ClusterRecord> record = options_.store.find("demo");
    if (record && record->program.runsHere()) ::kill(record->program.pid, SIGKILL);
  }

  // Removes what is left, as `muster gc` and `muster down` do it.
  std::string remains() {
    ProgramProvisioner provisioner(options_);
    provisioner.down("demo");
    provisioner.collect();
    return leftovers();
  }

  ScratchDirectory scratch_;
  ProgramOptions options_ = fakeKindOptions(scratch_);
};

TEST_P(KillsTest, LeaveNothingThatIsNotCollected) {
  unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  for (int i = 0; i < kKills; ++i) {
    auto moment = std::chrono::microseconds(random() % kLatestMicroseconds);
    unsigned whom = random() % 3;
    pid_t child = upInAnotherProcess();
    Child handle(child);
    handle.awaitEnd(after(moment));
    if (whom != 0) killProgram();
    if (whom != 1) ::kill(child, SIGKILL);
    // One whose program alone was killed goes on, and is ended as a person would.
    if (whom == 1) ::kill(child, SIGTERM);
    handle.awaitEnd(after(kSoon));
    ASSERT_EQ(remains(), "") << "seed " << seed << ", kill " << i << ", after " << moment.count()
                             << " us, of "
                             << (whom == 0   ? "the process"
                                 : whom == 1 ? "the program"
                                             : "both");
  }
}

INSTANTIATE_TEST_SUITE_P(Tenures, KillsTest, ::testing::Values(Tenure::kOwned, Tenure::kStanding),
                         [](const auto& tested) {
                           return tested.param == Tenure::kOwned ? "Owned" : "Standing";
                         });

}  // namespace
}  // namespace harness
