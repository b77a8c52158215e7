// F20: a node loses its power while files are replaced and a command runs on it.
//
// Local nodes keep their disks. Unwritten pages are not lost with them, because their kernel is the
// machine's and goes on.
#include <atomic>
#include <thread>

#include "tests_d/muster/robustness/component.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::LostReason;
using muster::NodeError;
using muster::Outcome;

class RebootTest : public muster::ClusterTest {
 public:
  static muster::Needs needs() { return {.nodes = {{"server", 1}}}; }

 protected:
  // Replaces a file by one version after another until `over`.
  void write(muster::Node& node, const std::atomic<bool>& over) {
    while (!over) {
      try {
        muster::DeadlineScope scope(1s);
        node.file("/var/kept").write(fileContent(++newest_, 20'000), {.sync = true});
        written_ = newest_.load();
      } catch (const NodeError&) {
        // The node has no power, and whether it wrote the file is not known.
      }
    }
  }

  std::atomic<uint64_t> newest_{0};
  std::atomic<uint64_t> written_{0};
};

TEST_F(RebootTest, PowerCutDuringWritesLeavesTheOldOrTheNewFile) {
  std::mt19937_64 random(seed());
  size_t times = trials(2, 0.025);
  for (size_t trial = 0; trial < times && !HasFailure(); ++trial) {
    muster::Node& victim = servers()[0];
    muster::Process sleeper = victim.start({"sleep", "60"});
    std::atomic<bool> over{false};
    std::thread writer([&] { write(victim, over); });
    uint64_t goal = written_ + 3;
    EXPECT_TRUE(becomesTrue([&] { return written_ >= goal; }, 20s)) << "void: nothing was written";
    letPass(std::chrono::microseconds(random() % 20'000));
    cluster().powerOff(victim);
    over = true;
    writer.join();
    uint64_t surely = written_, perhaps = newest_;
    cluster().powerOn(victim);
    Outcome outcome = sleeper.wait(20s).outcome;
    EXPECT_EQ(outcome.kind(), Outcome::Kind::kLost) << outcome;
    EXPECT_EQ(outcome.lostReason(), LostReason::kNodeRebooted) << outcome;
    auto version = versionOf(victim.file("/var/kept").read());
    ASSERT_TRUE(version) << "I7: no version in full";
    EXPECT_GE(*version, surely) << "I7";
    EXPECT_LE(*version, perhaps) << "I7";
    EXPECT_TRUE(victim.run({"true"}).succeeded());
  }
  std::printf("F20 %zu power cuts during writes, %llu versions written\n", times,
              static_cast<unsigned long long>(written_.load()));
}

}  // namespace
}  // namespace robustness
