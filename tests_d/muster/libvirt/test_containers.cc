// Whole lives of clusters of containers.
#include <filesystem>
#include <string>

#include "component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ContainersTest : public libvirt_tests::HypervisorTest {};

TEST_F(ContainersTest, ClusterIsUsedAsAnyOtherAndLeavesNothing) {
  std::string path =
      file("one", "a1: {role: server, boot: [echo booted > /ready]}\n  a2: {role: client}");
  Result up = inner("muster up " + path);
  ASSERT_THAT(up, Succeeded());
  EXPECT_THAT(up.err, AllOf(HasSubstr("defining"), HasSubstr("starting"), HasSubstr("booting")));
  EXPECT_THAT(inner("muster exec a1 -- cat /proc/1/comm /etc/hostname /ready"),
              Prints("nodeagent\na1\nbooted"));
  EXPECT_THAT(inner("muster exec a2 -- hostname"), Prints("a2"));
  EXPECT_THAT(inner("muster exec a1 -- ping -c 1 -W 5 a2"), Succeeded());
  EXPECT_THAT(inner("head -c 3000000 /dev/urandom >/tmp/data; muster cp /tmp/data a2:/srv/data; "
                    "muster cp a2:/srv/data /tmp/back; cmp /tmp/data /tmp/back; ! ls /srv/data"),
              Succeeded());
  EXPECT_THAT(inner("muster nodes"), AllOf(Prints("a1"), Prints("up")));

  EXPECT_THAT(inner("muster down one; muster down one"), Succeeded());
  EXPECT_EQ(leftovers(), "");
}

TEST_F(ContainersTest, LimitsHold) {
  ASSERT_THAT(inner("muster up " + file("one", "a1: {role: server, cpus: 0.5}")), Succeeded());
  EXPECT_THAT(inner("virsh -c lxc:///system schedinfo muster-one-a1"),
              StdoutIs(testing::ContainsRegex("vcpu_quota *: 50000")));
  // It would hold 300 MiB, and the node may use 128 MiB.
  Result large = inner("muster exec a1 -- sh -c 'head -c 300M /dev/zero | tail -c 300M | wc -c'");
  EXPECT_THAT(large.out, Not(HasSubstr("314572800")));
  EXPECT_THAT(inner("muster exec a1 -- echo alive"), Prints("alive"));
}

TEST_F(ContainersTest, SystemdHasGroupsOfItsOwn) {
  std::string path =
      file("one", "a1: {role: server, init: systemd, boot: [touch /ready]}", "memory: 256MiB\n");
  ASSERT_THAT(inner("muster up " + path), Succeeded());
  EXPECT_THAT(inner("muster exec a1 -- systemctl is-system-running --wait"), Prints("running"));
  EXPECT_THAT(inner("muster exec a1 -- systemctl is-active nodeagent muster-boot"), Succeeded());
  EXPECT_THAT(inner("muster exec a1 -- sh -c 'test -e /ready; hostname'"), Prints("a1"));
  EXPECT_THAT(inner("muster exec a1 -- systemd-run --wait true"), Succeeded());
  EXPECT_THAT(inner("ls /sys/fs/cgroup"), Not(Prints("init.scope")));
  EXPECT_THAT(inner("find /sys/fs/cgroup -path '*/muster-one-a1/init.scope'"),
              Prints("init.scope"));
}

TEST_F(ContainersTest, RebootKeepsTheDiskAndTheAddress) {
  std::string path =
      file("one", "a1: {role: server, boot: [echo boot >> /boots]}\n  a2: {role: server}");
  ASSERT_THAT(inner("muster up " + path), Succeeded());
  std::string address = inner("muster exec a1 -- hostname -i").out;
  ASSERT_THAT(inner("muster exec a1 -- sh -c 'touch /run/left /tmp/left'; muster reboot a1"),
              Succeeded());
  EXPECT_THAT(inner("muster exec a1 -- cat /boots"), Prints("boot\nboot"));
  EXPECT_THAT(inner("muster exec a1 -- ls /run/left /tmp/left"), Not(Succeeded()));
  EXPECT_EQ(inner("muster exec a1 -- hostname -i").out, address);
  EXPECT_THAT(inner("muster exec a2 -- ping -c 1 -W 5 a1"), Succeeded());
}

TEST_F(ContainersTest, RootMayBeADirectoryWithoutAnything) {
  inner("rm -rf /run/hypervisor/tiny; mkdir -p /run/hypervisor/tiny/bin");
  ASSERT_THAT(inner("cp $(command -v busybox) /run/hypervisor/tiny/bin/busybox"), Succeeded());
  ASSERT_THAT(inner("muster up " + file("one", "a1: {role: server}",
                                        "memory: 128MiB\nrootfs: /run/hypervisor/tiny\n")),
              Succeeded());
  EXPECT_THAT(inner("muster exec a1 -- /bin/busybox ls /usr/bin"), Prints("nodeagent"));
  EXPECT_THAT(inner("muster exec a1 -- /bin/busybox touch /bin/new"), Succeeded());
  EXPECT_EQ(inner("ls /run/hypervisor/tiny").out, "bin\n");
  EXPECT_EQ(inner("ls /run/hypervisor/tiny/bin").out, "busybox\n");
}

// What the unit tests skip without libvirtd.
TEST_F(ContainersTest, KindKeepsTheContract) {
  Result contract = inner("harness_provision_libvirt_test --gtest_filter='libvirt/*'");
  EXPECT_THAT(contract, Succeeded());
  EXPECT_THAT(contract.out, AllOf(HasSubstr("[  PASSED  ] 13 tests"), Not(HasSubstr("SKIPPED"))));
}

// The samples know nothing of the kind of their nodes.
TEST_F(ContainersTest, SamplesRunOnContainers) {
  file("one", "server[1-3]: {role: server}\n  client1: {role: client}", "memory: 256MiB\n");
  EXPECT_THAT(inner("muster up one.yaml; muster run example --cluster one --run-dir "
                    "/run/hypervisor/run -- --gtest_filter='CommandSample.*:FileSample.*:"
                    "FaultSample.*:MachineSample.*'"),
              Succeeded());
}

}  // namespace
