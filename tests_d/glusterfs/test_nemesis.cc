// A client writes all the time. Without --nemesis that is a few seconds of work; with it, faults
// strike the nodes until the plan is over:
//
//   glusterfs_tests --gtest_filter=NemesisTest.* --nemesis=gentle --nemesis-duration=10m
//                   --muster-test-time=30m
#include <map>
#include <sstream>
#include <string>

#include "component.h"

namespace gluster {
namespace {

// A server that does not answer is given up after 5 s, and a lossy one needs some more.
constexpr auto kWriteMax = 60s;
constexpr auto kWritesLeast = 30;
constexpr int kFiles = 50;

class NemesisTest : public GlusterTest {
 protected:
  // Writes a number to a file, and waits until the disks have it.
  static muster::Result write(const Mount& mount, const std::string& name, int number) {
    return mount.client().run({"dd", "of=" + mount.path(name), "conv=fsync", "status=none"},
                              {.input = std::to_string(number) + "\n", .deadline = kWriteMax});
  }

  static std::map<std::string, int> contents(const Mount& mount) {
    std::istringstream lines(mount.client().output(
        {"sh", "-c", "cd " + mount.directory() + " && grep -H . *"}, {.deadline = kWriteMax}));
    std::map<std::string, int> all;
    for (std::string line; std::getline(lines, line);) {
      size_t colon = line.find(':');
      all[line.substr(0, colon)] = std::stoi(line.substr(colon + 1));
    }
    return all;
  }
};

// Two of three servers are a quorum, and no fault of a gentle plan takes a second one away.
TEST_F(NemesisTest, WriterGoesOnAndLosesNothing) {
  // It is there before the first fault, which waits for it while the volume is made.
  muster::Load writes("writes", {.floorPerSecond = 2, .within = 60s});
  Volume volume(pool(), VolumeType::kReplicated);
  volume.start();
  const Mount mount(client(), volume);
  const muster::AllowLog silent(kSilentServer);
  std::map<std::string, int> written;
  int number = 0;
  while (number < kWritesLeast || muster::nemesisGoesOn()) {
    const std::string name = "file" + std::to_string(++number % kFiles);
    ASSERT_THAT(write(mount, name, number), muster::Succeeded());
    written[name] = number;
    writes.did();
  }
  EXPECT_EQ(contents(mount), written);
  EXPECT_THAT([&] { return pool().trouble(); }, Clears(60s));
  EXPECT_THAT([&] { return volume.healTrouble(); }, Clears(120s));
}

}  // namespace
}  // namespace gluster
