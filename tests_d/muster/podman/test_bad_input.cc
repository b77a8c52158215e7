// What cannot be is refused with the reason and the remedy, and leaves nothing.
#include "tests_d/muster/podman/component.h"

namespace {

using namespace muster;
using podman_tests::HostTest;
using testing::AllOf;

class PodmanBadInputTest : public HostTest {
 protected:
  // Returns the end of `muster up` for a file of one node.
  Result up(const std::string& ofFile, const std::string& ofNode, const std::string& before = "") {
    write("bad.yaml",
          "provisioner: podman\n" + ofFile + "\nnodes: {n1: {role: x" + ofNode + "}}\n");
    return shell(before + "\nmuster up bad.yaml");
  }
};

TEST_F(PodmanBadInputTest, PodmanIsNotThere) {
  EXPECT_THAT(up("rootfs: /", "", "export PATH=$(dirname $(command -v muster))"),
              AllOf(testing::Not(Succeeded()), StderrHas("missing: the program podman in PATH")));
}

TEST_F(PodmanBadInputTest, PodmanDoesNotWork) {
  EXPECT_THAT(up("rootfs: /", "", "export CONTAINERS_STORAGE_CONF=/no/such/file"),
              AllOf(testing::Not(Succeeded()), StderrHas("a podman that works: podman info: "),
                    StderrHas("/no/such/file")));
}

TEST_F(PodmanBadInputTest, ImageIsNotThere) {
  EXPECT_THAT(up("image: localhost/none", ""),
              AllOf(testing::Not(Succeeded()), StderrHas("\"podman pull localhost/none\"")));
}

TEST_F(PodmanBadInputTest, ImageHasNoSystemd) {
  EXPECT_THAT(up("image: localhost/empty", ", init: systemd",
                 "tar cf e.tar -T /dev/null; podman import --quiet e.tar localhost/empty"),
              AllOf(testing::Not(Succeeded()), StderrHas("node n1: "), StderrHas("systemd")));
}

TEST_F(PodmanBadInputTest, NameIsTaken) {
  EXPECT_THAT(
      up("rootfs: /", "", "podman create --name muster_bad_n1 --rootfs /:O /bin/true"),
      AllOf(testing::Not(Succeeded()), StderrHas("podman has a container muster_bad_n1 already")));
  EXPECT_THAT(shell("podman rm muster_bad_n1"), Succeeded());
}

TEST_F(PodmanBadInputTest, MachineHasTooLittleMemory) {
  EXPECT_THAT(
      up("rootfs: /", ", memory: 100TiB"),
      AllOf(testing::Not(Succeeded()), StderrHas("memory: the nodes may use 104857600 MiB")));
}

TEST_F(PodmanBadInputTest, KeysAreRefusedWithTheirPlace) {
  EXPECT_THAT(up("rootfs: /", ", cpus: many"),
              AllOf(testing::Not(Succeeded()), StderrHas("bad.yaml:3:29: cpus: \"many\"")));
}

}  // namespace
