// Clusters of containers are made, used as any other, and removed.
#include "tests_d/muster/podman/component.h"

namespace {

using namespace muster;
using podman_tests::HostTest;
using podman_tests::kDirectory;
using testing::HasSubstr;

class PodmanClusterTest : public HostTest {};

constexpr char kUse[] = R"sh(
muster up podman.yaml
test "$(muster exec server1 -- cat /proc/1/comm)" = nodeagent
test "$(muster exec client1 -- cat /proc/1/comm)" = systemd
muster exec server1 -- test -e /ready
muster exec server1 -- getent hosts client1
head -c 3000000 /dev/urandom >data
muster cp data server1:/srv/data
muster cp server1:/srv/data back
cmp data back
test ! -e /srv/data
muster nodes --history
muster down podman
muster down podman
)sh";

// The cluster file is the example that people read.
TEST_F(PodmanClusterTest, NodesAreUsedAsAnyOther) {
  local().copyTo(MUSTER_CONFIG_DIR "/podman.yaml", host(),
                 std::string(kDirectory) + "/podman.yaml");
  Result used = shell(kUse);
  EXPECT_THAT(used, Succeeded());
  EXPECT_THAT(used, StdoutIs(HasSubstr("starting")));
}

// The samples know nothing of the kind of their nodes.
TEST_F(PodmanClusterTest, SamplesRunOnContainers) {
  write("four.yaml",
        "provisioner: podman\nrootfs: /\nnodes:\n  server[1-3]: {role: server}\n  client1: {role: "
        "client}\n");
  EXPECT_THAT(shell(R"(
    muster up four.yaml
    muster run example --cluster four --run-dir run -- \
      --gtest_filter='CommandSample.*:FileSample.*:FaultSample.*:MachineSample.*'
    rm -r run
    muster down four
  )"),
              Succeeded());
}

constexpr char kOfAUser[] = R"sh(
export XDG_RUNTIME_DIR=/run/user/$(id -u)
cd
tar cf empty.tar -T /dev/null
podman import --quiet empty.tar localhost/empty:latest
printf 'provisioner: podman\nimage: localhost/empty\nnodes: {"n[1-2]": {role: x}}\n' >pod.yaml
muster up pod.yaml
muster exec @* -- /usr/bin/nodeagent --version
muster cp pod.yaml n2:/pod.yaml
muster down pod
podman rmi localhost/empty
test -z "$(podman ps --all --quiet)"
sed -i 's,image: .*,rootfs: /,' pod.yaml
! muster up pod.yaml
)sh";

// The image has no file at all, and the user has no right beyond ids of its own.
TEST_F(PodmanClusterTest, OrdinaryUserHasNodesOfAnEmptyImage) {
  if (!host().run({"sh", "-c", "command -v newuidmap slirp4netns"}).succeeded()) {
    GTEST_SKIP() << "there are no newuidmap and slirp4netns";
  }
  write("as-user", kOfAUser);
  Result used = shell(R"(
    useradd --create-home --shell /bin/sh podman-user
    grep -q podman-user /etc/subuid || echo podman-user:200000:65536 | tee -a /etc/subuid >>/etc/subgid
    user=$(id -u podman-user)
    install -d -o podman-user -m 700 /run/user/$user /home/podman-user/.local
    mount -t tmpfs -o mode=700,uid=$user podman-test /home/podman-user/.local
    mkdir /sys/fs/cgroup/podman-test/user
    chown -R podman-user /sys/fs/cgroup/podman-test/user
    cp as-user /home/podman-user/as-user
    echo $$ > /sys/fs/cgroup/podman-test/user/cgroup.procs
    runuser -u podman-user -- sh -e /home/podman-user/as-user
    echo $$ > /sys/fs/cgroup/podman-test/cgroup.procs
    umount -R -l /home/podman-user/.local
    userdel --remove --force podman-user
  )");
  EXPECT_THAT(used, Succeeded());
  EXPECT_THAT(used, StderrHas("an ordinary user cannot put an overlay on /"));
}

}  // namespace
