// Tries what goes wrong between Muster and the program of a kind. What must work is the contract's.
#include "harness/provision/program/program_provisioner.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "harness/os/fd.h"
#include "harness/provision/error.h"
#include "harness/provision/kinds.h"
#include "harness/provision/program/fake_kind_testing.h"

namespace harness {
namespace {

using Kind = ProvisionError::Kind;
using Life = ClusterEntry::Life;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr std::chrono::seconds kSoon{20};

class ProgramProvisionerTest : public ::testing::Test {
 protected:
  void SetUp() override { ::setenv("MUSTER_PROVISIONERS", MUSTER_FAKES_DIR, 1); }
  void TearDown() override { EXPECT_EQ(leftovers(), ""); }

  std::unique_ptr<ProgramProvisioner> make() {
    return std::make_unique<ProgramProvisioner>(options_);
  }
  ClusterPlan plan(const std::string& nodes = "{\"node[1-2]\": {role: server}}") const {
    return parsePlan("name: demo\nprovisioner: fake\nnodes: " + nodes, "/x/f.yaml");
  }
  std::string leftovers() const { return programLeftovers(options_.store, "demo"); }

  // Makes a cluster in another process, and returns that once it is up.
  pid_t upInAnotherProcess(Tenure tenure) {
    Pipe ready = makePipe();
    pid_t child = ::fork();
    if (child == 0) {
      auto provisioner = make();
      provisioner->up(plan(), tenure);
      writeAll(ready.writeEnd.get(), "x", "pipe");
      for (;;) ::pause();
    }
    ready.writeEnd.reset();
    char byte;
    EXPECT_EQ(::read(ready.readEnd.get(), &byte, 1), 1) << "the other process has failed";
    return child;
  }
  static void kill(pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }

  ScratchDirectory scratch_;
  ProgramOptions options_ = fakeKindOptions(scratch_);
};

std::string failureOf(const std::function<void()>& call) {
  try {
    call();
    return "";
  } catch (const ProvisionError& error) {
    return error.what();
  }
}

TEST_F(ProgramProvisionerTest, CrashOfTheProgramLeavesNothingAndIsSaid) {
  auto provisioner = make();
  ClusterPlan crashing = plan("{node1: {role: x}, node2: {role: x, fault: crash}}");
  EXPECT_THAT(failureOf([&] { provisioner->up(crashing, Tenure::kStanding); }),
              HasSubstr("muster-provisioner-fake was killed by signal 11 and did not answer "
                        "\"up\""));
  EXPECT_EQ(leftovers(), "");
  // The next call starts it again.
  EXPECT_EQ(provisioner->up(plan(), Tenure::kStanding).nodes.size(), 2u);
  provisioner->down("demo");
}

TEST_F(ProgramProvisionerTest, ProgramThatHangsLeavesNothing) {
  options_.channel.silence = std::chrono::seconds(1);
  ClusterPlan hanging = plan("{node1: {role: x}, node2: {role: x, fault: hang}}");
  EXPECT_THAT(failureOf([&] { make()->up(hanging, Tenure::kStanding); }),
              HasSubstr("did not answer \"up\" within 1 s"));
}

TEST_F(ProgramProvisionerTest, CallerMayStopIt) {
  auto provisioner = make();
  ClusterPlan hanging = plan("{node1: {role: x}, node2: {role: x, fault: hang}}");
  size_t calls = 0;
  UpWatch watch(*provisioner, [&](const UpProgress&) {
    if (++calls > 3) throw std::runtime_error("^C");
  });
  EXPECT_THROW(provisioner->up(hanging, Tenure::kStanding), std::runtime_error);
  EXPECT_EQ(leftovers(), "");
}

TEST_F(ProgramProvisionerTest, ProgressIsToldAndKept) {
  auto provisioner = make();
  std::vector<std::string> told;
  size_t ready = 0;
  UpWatch watch(*provisioner, [&](const UpProgress& progress) {
    if (progress.event) told.push_back(progress.event->node + " " + progress.event->state);
    ready = progress.ready;
  });
  provisioner->up(plan("{node1: {role: x}}"), Tenure::kOwned);
  EXPECT_EQ(ready, 1u);
  EXPECT_THAT(told, ElementsAre("node1 starting", "node1 ready"));
  std::vector<NodeEvent> kept = make()->history("demo");
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].detail, "at its socket");
  EXPECT_EQ(kept[1].state, "ready");
}

TEST_F(ProgramProvisionerTest, OwnedClusterOfAKilledProcessIsRemovedByItsProgram) {
  kill(upInAnotherProcess(Tenure::kOwned));
  EXPECT_TRUE(waitUntil(after(kSoon), [this] { return leftovers().empty(); })) << leftovers();
}

TEST_F(ProgramProvisionerTest, OwnedClusterOfTwoKilledProcessesIsCollected) {
  pid_t child = upInAnotherProcess(Tenure::kOwned);
  ::kill(options_.store.find("demo")->program.pid, SIGKILL);
  kill(child);
  auto provisioner = make();
  EXPECT_TRUE(waitUntil(after(kSoon), [&] {
    std::vector<ClusterEntry> entries = provisioner->list();
    return entries.size() == 1 && entries[0].life == Life::kLeftover;
  }));
  EXPECT_THAT(failureOf([&] { provisioner->find("demo"); }), HasSubstr("its process was killed"));
  EXPECT_THAT(provisioner->collect(), ElementsAre("demo"));
}

TEST_F(ProgramProvisionerTest, StandingClusterOutlivesItsMakerAndItsProgram) {
  kill(upInAnotherProcess(Tenure::kStanding));
  auto provisioner = make();
  EXPECT_THAT(provisioner->collect(), IsEmpty());
  EXPECT_EQ(provisioner->state("demo").power.at("node1"), Power::kOn);
  EXPECT_THAT(failureOf([&] { provisioner->up(plan("{node1: {role: x}}"), Tenure::kOwned); }),
              HasSubstr("is up already, and differs from the file: node1: role was server, is x; "
                        "node2: up, and not in the file"));
  provisioner->down("demo");
}

TEST_F(ProgramProvisionerTest, LeftoverIsReplacedByTheNextUp) {
  ClusterRecord killed{.name = "demo", .kind = "fake"};
  killed.maker = ProcessMark::own();
  killed.maker.startTime += 1;
  killed.plan = ProtocolJson{{"name", "demo"},
                             {"provisioner", "fake"},
                             {"nodes", ProtocolJson::array()},
                             {"settings", ProtocolJson::object()}};
  options_.store.add(killed, {});
  EXPECT_EQ(make()->up(plan(), Tenure::kOwned).nodes.size(), 2u);
}

TEST_F(ProgramProvisionerTest, NameOfAnotherKindIsLeftAlone) {
  ClusterRecord other{.name = "demo", .kind = "other"};
  other.phase = ClusterRecord::Phase::kUp;
  options_.store.add(other, {});
  EXPECT_THAT(failureOf([&] { make()->up(plan(), Tenure::kOwned); }),
              StartsWith("cluster \"demo\" of kind \"other\" is up already"));
  make()->down("demo");
  EXPECT_TRUE(options_.store.find("demo").has_value());
  options_.store.remove("demo");
}

TEST_F(ProgramProvisionerTest, MachineIsExaminedByTheProgram) {
  ClusterPlan dark =
      parsePlan("name: demo\nprovisioner: fake\ncolour: black\nnodes: {a: {role: x}}", "f.yaml");
  EXPECT_THAT(make()->examine(dark).missing, ElementsAre("light"));
  EXPECT_THAT(failureOf([&] { make()->up(dark, Tenure::kOwned); }), HasSubstr("missing: light"));
  dark.settings["colour"] = Setting("colour", "grey");
  EXPECT_THAT(make()->examine(dark).degraded, ElementsAre("no colours"));
}

TEST_F(ProgramProvisionerTest, ProgramThatHasMadeNothingIsNotAskedWhatIsLeft) {
  options_.program = scratch_.script("broken", "exit 1");
  EXPECT_THAT(make()->collect(), IsEmpty());
  options_.store.add(ClusterRecord{.name = "demo", .kind = "fake"}, {});
  options_.store.remove("demo");
  EXPECT_THAT(failureOf([&] { make()->collect(); }), HasSubstr("ended with status 1"));
}

TEST_F(ProgramProvisionerTest, MachinesThatAKilledProcessHasFrozenGoOn) {
  make()->up(plan(), Tenure::kStanding);
  auto frozen = make();
  frozen->freeze("demo", "node1");
  frozen->powerOff("demo", "node2");
  EXPECT_EQ(make()->state("demo").power.at("node1"), Power::kFrozen);
  frozen.reset();
  std::map<std::string, Power> power = make()->state("demo").power;
  EXPECT_EQ(power.at("node1"), Power::kOn);
  EXPECT_EQ(power.at("node2"), Power::kOn);
  make()->down("demo");
}

}  // namespace
}  // namespace harness
