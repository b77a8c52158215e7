// What cannot be is refused with the reason and the remedy, and leaves nothing.
#include <string>

#include "component.h"

namespace {

using namespace muster;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kStranger[] = R"(<domain type='lxc'>
<name>muster-one-a1</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<metadata><muster:mark xmlns:muster='urn:muster:libvirt:1' owner='OWNER' cluster='one'
  directory='/elsewhere' node='a1'/></metadata>
<os><type>exe</type><init>/bin/sh</init></os>
<devices><console type='pty'/></devices></domain>
)";

class RefusalsTest : public libvirt_tests::HypervisorTest {
 protected:
  static Result up(const std::string& ofNode, const std::string& keys = "memory: 128MiB\n") {
    return inner("muster up " + file("one", "a1: {role: server" + ofNode + "}", keys));
  }

  // Defines a domain of the name that node a1 of cluster one needs, with the mark of an owner.
  static void addDomain(const std::string& owner) {
    std::string xml = kStranger;
    xml.replace(xml.find("OWNER"), 5, owner);
    hypervisor().file("/srv/domain.xml").write(xml);
    ASSERT_THAT(inner("virsh -c lxc:///system define /srv/domain.xml"), Succeeded());
  }
};

TEST_F(RefusalsTest, MachineWithoutDaemonIsSaid) {
  file("one", "a1: {role: server}");
  Result refused = on(machineWithoutDaemon(), "muster up one.yaml", "/run/state");
  EXPECT_THAT(refused, Not(Succeeded()));
  EXPECT_THAT(refused.err, AllOf(HasSubstr("missing: a daemon of libvirt that works: libvirt at "
                                           "lxc:///system: "),
                                 HasSubstr("install libvirt-daemon-system")));
  EXPECT_THAT(on(machineWithoutDaemon(), "muster gc; ls /run/state/clusters", "/run/state").out,
              Not(HasSubstr("one")));
}

TEST_F(RefusalsTest, UserWithoutRightsIsTold) {
  file("one", "a1: {role: server}");
  Result refused = inner(
      "mkdir -p -m 777 /run/hypervisor/user; MUSTER_STATE_DIR=/run/hypervisor/"
      "user setpriv --reuid 65534 --regid 65534 --clear-groups env "
      "HOME=/run/hypervisor/user muster up one.yaml");
  EXPECT_THAT(refused, Not(Succeeded()));
  EXPECT_THAT(refused.err, AllOf(HasSubstr("missing: root: this is user 65534")));
}

TEST_F(RefusalsTest, TooMuchMemoryIsRefused) {
  Result refused = up(", memory: 100TiB");
  EXPECT_THAT(refused, Not(Succeeded()));
  EXPECT_THAT(refused.err, AllOf(HasSubstr("memory: the nodes may use 104857600 MiB together"),
                                 HasSubstr("give less by \"memory\"")));
}

TEST_F(RefusalsTest, MissingRootsAreNamed) {
  EXPECT_THAT(up(", rootfs: /nowhere").err, HasSubstr("missing: the directory /nowhere"));
  inner("mkdir -p /run/hypervisor/empty");
  EXPECT_THAT(
      up(", init: systemd, rootfs: /run/hypervisor/empty").err,
      AllOf(HasSubstr("/run/hypervisor/empty/lib/systemd/systemd"), HasSubstr("install systemd")));
}

TEST_F(RefusalsTest, DirectoryThatBearsNoOverlayIsNamedWithTheRemedy) {
  file("one", "a1: {role: server}");
  Result refused = on(hypervisor(), "muster up one.yaml", "/root/state");
  EXPECT_THAT(refused, Not(Succeeded()));
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("node a1: its root cannot be an overlay in /root/state/"),
                    HasSubstr("$MUSTER_STATE_DIR")));
  EXPECT_EQ(inner("ls /root/state/clusters").out, "owner\n");
}

TEST_F(RefusalsTest, NetworkThatTheMachineHasIsRefused) {
  // Its own address is of 10.77.0.0/16.
  Result refused = up("", "memory: 128MiB\nsubnet: 10.77.0.0/24\n");
  EXPECT_THAT(refused, Not(Succeeded()));
  EXPECT_THAT(refused.err, HasSubstr("subnet: 10.77.0.0/24 is in use already by eth0"));
}

TEST_F(RefusalsTest, BootThatFailsIsShownWithItsLog) {
  Result refused = up(", boot: [\"echo so it is; exit 3\"]");
  EXPECT_THAT(refused, Not(Succeeded()));
  EXPECT_THAT(refused.err, AllOf(HasSubstr("node a1: its boot commands ended with \"exit 3\""),
                                 HasSubstr("so it is")));
}

TEST_F(RefusalsTest, DomainOfAStrangerIsRefusedAndLeftAlone) {
  addDomain("somebody-else");
  Result refused = up("");
  EXPECT_THAT(refused, Not(Succeeded()));
  EXPECT_THAT(refused.err, AllOf(HasSubstr("libvirt has a domain \"muster-one-a1\" already"),
                                 HasSubstr("belongs to cluster \"one\" of somebody-else")));
  EXPECT_THAT(inner("muster gc; virsh -c lxc:///system undefine muster-one-a1"), Succeeded());
}

TEST_F(RefusalsTest, DomainOfOursThatDanglesIsReplaced) {
  inner("muster gc");
  addDomain(hypervisor().file("/run/hypervisor/state/clusters/owner").read());
  EXPECT_THAT(up(""), Succeeded());
  EXPECT_THAT(inner("virsh -c lxc:///system dominfo muster-one-a1"), Prints("Persistent:     no"));
}

}  // namespace
