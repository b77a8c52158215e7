// Nothing is left of a cluster whose command and program are killed at any moment.
#include <cstdlib>
#include <random>

#include "tests_d/muster/podman/component.h"

namespace {

using namespace muster;
using podman_tests::HostTest;

class PodmanKillTest : public HostTest {};

// $1 is the time until the kill, $2 what is killed. The program of a killed command ends by itself,
// and until then the cluster is being made.
constexpr char kKill[] = R"sh(
muster up kill.yaml >/dev/null 2>&1 & command=$!
sleep "$1"
program=$(pgrep -x muster-provisio || true)
case $2 in
  command) kill -9 $command ;;
  program) kill -9 $program ;;
  both) kill -9 $command $program ;;
esac 2>/dev/null || true
wait $command || true
tries=0
until muster gc >/dev/null && muster down kill >/dev/null 2>&1; do
  tries=$((tries + 1))
  test $tries -lt 100
  sleep 0.2
done
)sh";

TEST_F(PodmanKillTest, NothingIsLeftWhateverIsKilled) {
  const char* wanted = std::getenv("MUSTER_PODMAN_KILLS");
  int kills = wanted == nullptr ? 6 : std::atoi(wanted);
  unsigned seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> moment(0, 2.5);
  const char* const victims[] = {"command", "program", "both"};
  write("kill.yaml", "provisioner: podman\nrootfs: /\nnodes: {\"n[1-2]\": {role: x}}\n");
  for (int i = 0; i < kills; ++i) {
    std::string at = std::to_string(moment(random));
    std::string victim = victims[random() % 3];
    SCOPED_TRACE("seed " + std::to_string(seed) + ", kill " + std::to_string(i) + ": " + victim +
                 " after " + at + " s");
    ASSERT_THAT(shell("set -- " + at + " " + victim + "\n" + kKill), Succeeded());
    ASSERT_EQ(leftovers(), "");
  }
}

}  // namespace
