#include "tests_d/muster/podman/component.h"

#include <filesystem>

namespace podman_tests {
namespace {

using namespace std::chrono_literals;

// The host's own /run/muster is that of its agent, and below its root is what the machine has in
// /var/lib/muster: a muster that runs there has neither.
constexpr char kPrepare[] = R"(
set -e
mkdir -p /root/podman-test
mountpoint -q /var/lib/containers && exit 0
for directory in /var/lib/containers /run/muster /var/lib/muster; do
  mkdir -p $directory
  mount -t tmpfs -o mode=755 podman-test $directory
done
mount --make-rshared /
# A new proc of an ordinary user's namespace needs one that nothing covers.
mkdir -p /run/whole-proc
mount -t proc proc /run/whole-proc
)";

// A command's processes end with it unless they are in another control group.
constexpr char kApart[] = R"(
mkdir -p /sys/fs/cgroup/podman-test
echo $$ > /sys/fs/cgroup/podman-test/cgroup.procs
)";

constexpr char kLeftovers[] = R"(
podman ps --all --external --format 'container {{.Names}}'
podman network ls --format 'network {{.Name}}' | grep -v ' podman$'
pgrep -a '^(conmon|aardvark-dns)$'
grep -E 'overlay-containers|/nodes/' /proc/self/mounts
ls /run/netns 2>/dev/null
ls -d /run/muster/* /var/lib/muster/* 2>/dev/null | grep -v '/clusters$'
true
)";

std::string programs() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace

void HostTest::SetUp() {
  if (!host().run({"sh", "-c", "command -v podman"}).succeeded()) {
    GTEST_SKIP() << "there is no podman";
  }
  ASSERT_THAT(host().run({"sh", "-c", kPrepare}), muster::Succeeded());
}

void HostTest::TearDown() {
  if (IsSkipped()) return;
  EXPECT_EQ(leftovers(), "");
  shell("podman rm --all --force --time 0; podman network prune --force");
  // podman keeps its chains of rules, and a mount for network namespaces.
  acceptNodeChanges();
}

muster::Result HostTest::shell(const std::string& text) {
  std::string path = "export LANG=C.UTF-8 PATH=" + programs() + ":$PATH\n";
  return host().run({"sh", "-c", kApart + path + "set -e\n" + text},
                    {.directory = kDirectory, .deadline = 5min});
}

std::string HostTest::leftovers() {
  return host().run({"sh", "-c", kLeftovers}).out;
}

void HostTest::write(const std::string& name, const std::string& content) {
  host().file(std::string(kDirectory) + "/" + name).write(content);
}

}  // namespace podman_tests
