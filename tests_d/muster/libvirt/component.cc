#include "component.h"

#include <chrono>
#include <filesystem>
#include <optional>

using namespace muster;
using namespace std::chrono_literals;

namespace libvirt_tests {
namespace {

// What the packages' own scripts do where they run, and directories in memory.
constexpr char kPrepare[] = R"sh(
set -e
command -v libvirtd virsh >/dev/null || exit 77
getent group kvm >/dev/null || groupadd -r kvm
getent group libvirt-qemu >/dev/null || groupadd -r libvirt-qemu
id libvirt-qemu >/dev/null 2>&1 || useradd -r -M -g libvirt-qemu libvirt-qemu
mkdir -p /etc/libvirt /var/lib/libvirt/dnsmasq /var/log/libvirt /run/hypervisor
mountpoint -q /run/hypervisor || mount -t tmpfs -o mode=755 hypervisor /run/hypervisor
printf 'auth_unix_rw = "none"\n' >/etc/libvirt/libvirtd.conf
# Those of the node itself, and what its root has of the machine's, are not for an inner muster.
for directory in /run/muster /var/lib/muster; do
  mkdir -p $directory
  grep -q "^hypervisor $directory " /proc/self/mounts ||
    mount -t tmpfs -o mode=755 hypervisor $directory
done
mount --make-rshared /
)sh";

// libvirt limits containers by the groups of version 1, and would otherwise put them beside those
// of the machine. It must not see that there are groups of version 2 as well.
constexpr char kDaemon[] = R"sh(
set -e
cd /sys/fs
for kind in cpu cpuacct cpuset memory devices freezer blkio pids; do
  at=/run/hypervisor/$kind
  mkdir -p $at
  mount -t cgroup -o $kind cgroup $at
  mkdir -p $at/muster-libvirt-test
  if [ $kind = cpuset ]; then
    for file in cpus mems; do cat $at/cpuset.$file >$at/muster-libvirt-test/cpuset.$file; done
  fi
  echo $$ >$at/muster-libvirt-test/cgroup.procs
  umount $at
done
exec unshare --cgroup --mount --propagation slave /bin/sh -e -c '
  umount -l /sys/fs/cgroup
  mount -t tmpfs groups /sys/fs/cgroup
  for kind in cpu cpuacct cpuset memory devices freezer blkio pids; do
    mkdir /sys/fs/cgroup/$kind
    mount -t cgroup -o $kind cgroup /sys/fs/cgroup/$kind
  done
  exec libvirtd'
)sh";

constexpr char kRemoveGroups[] = R"sh(
for kind in cpu cpuacct cpuset memory devices freezer blkio pids; do
  at=/run/hypervisor/$kind
  mount -t cgroup -o $kind cgroup $at
  find $at/muster-libvirt-test -depth -type d -exec rmdir {} \;
  umount $at
done
)sh";

constexpr char kFirstNetwork[] = R"sh(
set -e
cat > /srv/first.xml <<'XML'
<network><name>first</name><bridge name='first' stp='off' delay='0'/>
<dns enable='no'/><ip address='10.79.0.1' prefix='24'/></network>
XML
virsh -q -c lxc:///system net-create /srv/first.xml
virsh -q -c lxc:///system net-destroy first
)sh";

constexpr char kLeftovers[] = R"sh(
virsh -q -c lxc:///system list --all
virsh -q -c lxc:///system net-list --all
grep /nodes/ /proc/self/mounts
ls /run/hypervisor/state/clusters 2>/dev/null | grep -vx owner
find /sys/fs/cgroup -name 'muster-one-*' -o -name 'muster-two-*'
pgrep -a 'libvirt_lxc|muster-provisio'
true
)sh";

std::string programs() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

RunOptions innerOptions(const std::string& stateDirectory) {
  RunOptions options;
  options.directory = "/srv";
  options.environment = {
      {"PATH", programs() + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"MUSTER_STATE_DIR", stateDirectory}};
  options.deadline = 5min;
  return options;
}

// The daemon of the suite that runs.
std::optional<Process>& daemon() {
  static std::optional<Process> process;
  return process;
}

bool isAnswering(const Node& hypervisor) {
  return hypervisor.run({"virsh", "-q", "-c", "lxc:///system", "list"}).succeeded();
}

}  // namespace

void HypervisorTest::SetUpTestSuite() {
  Result prepared = hypervisor().shell(kPrepare);
  if (!prepared.succeeded()) return;
  RunOptions options;
  options.deadline = 30min;
  options.lifetime = CommandLifetime::kSession;
  daemon().emplace(hypervisor().start({"/bin/sh", "-c", kDaemon}, options));
  EXPECT_THAT([] { return isAnswering(hypervisor()); }, Eventually(true, 30s, 100ms))
      << daemon()->errors();
  // libvirt makes its tables of rules with the first network, and never removes them.
  hypervisor().shell(kFirstNetwork).checked();
  acceptNodeChanges();
}

void HypervisorTest::TearDownTestSuite() {
  if (!daemon()) return;
  daemon()->kill();
  daemon().reset();
  // The groups are free once the kernel has reaped what was in them.
  EXPECT_THAT([] { return hypervisor().shell(kRemoveGroups); },
              Eventually(Succeeded(), 20s, 100ms));
}

void HypervisorTest::SetUp() {
  if (!daemon()) GTEST_SKIP() << "there are no libvirtd and virsh";
}

void HypervisorTest::TearDown() {
  if (!daemon()) return;
  inner("muster down one; muster down two; muster gc");
  EXPECT_EQ(leftovers(), "");
}

Result HypervisorTest::on(const Node& node, const std::string& text,
                          const std::string& stateDirectory) {
  return node.shell("set -e\n" + text, innerOptions(stateDirectory));
}

Process HypervisorTest::beginInner(const std::string& text) {
  return hypervisor().start({"/bin/sh", "-c", "exec " + text},
                            innerOptions("/run/hypervisor/state"));
}

std::string HypervisorTest::file(const std::string& cluster, const std::string& nodes,
                                 const std::string& keys) {
  std::string path = "/srv/" + cluster + ".yaml";
  for (Node* node : {&hypervisor(), &machineWithoutDaemon()}) {
    node->file(path).write("name: " + cluster + "\nprovisioner: libvirt\n" + keys + "nodes:\n  " +
                           nodes + "\n");
  }
  return path;
}

std::string HypervisorTest::leftovers() {
  return hypervisor().shell(kLeftovers).checked().out;
}

}  // namespace libvirt_tests
