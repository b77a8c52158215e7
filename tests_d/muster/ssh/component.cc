#include "component.h"

#include <chrono>
#include <filesystem>

using namespace muster;
using namespace std::chrono_literals;
using testing::IsEmpty;

namespace ssh_tests {
namespace {

// Nodes of the test's cluster have the machine's root, and with it the programs of this build.
std::string programs() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

constexpr char kSsh[] = "/root/ssh";

// Looks for what inner clusters have left. It is a file, so that it does not find its own text.
constexpr char kLookPath[] = "/root/look";
constexpr char kLook[] = R"(
find /var/lib /home /run /etc /opt /srv -path /var/lib/muster -prune -o -print 2>/dev/null |
  grep -e muster-agent -e /opt/muster -e /srv/small/
pgrep -af muster-agent
find /sys/fs/cgroup -name 'muster-agent-*' 2>/dev/null
systemctl list-units --all 2>/dev/null | grep muster-agent
:
)";

std::string replaced(std::string text, const std::string& word, const std::string& by) {
  for (size_t at; (at = text.find(word)) != std::string::npos;) text.replace(at, word.size(), by);
  return text;
}

RunOptions innerOptions() {
  RunOptions options;
  options.directory = "/root";
  options.environment = {
      {"PATH", programs() + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"MUSTER_STATE_DIR", "/root/state"}};
  options.deadline = 100s;
  return options;
}

}  // namespace

Needs needsHosts(NeedsInit init) {
  return {.nodes = {{"server", 2}, {"client", 1}},
          .init = init,
          .boot = {"mkdir -p -m 755 /run/sshd; rm -f /etc/ssh/ssh_host_*",
                   "ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key",
                   // A login is no session of logind, which would mount a directory for each user.
                   "sed -i /pam_systemd/d /etc/pam.d/common-session", "/usr/sbin/sshd"}};
}

void SshTest::SetUpTestSuite() {
  Node& controller = clients()[0];
  controller
      .shell(std::string("mkdir -p -m 700 ") + kSsh + "; rm -f " + kSsh +
             "/id*; ssh-keygen -q -t ed25519 -N '' -f " + kSsh + "/id")
      .checked();
  // Clusters of the machine are none of the controller.
  controller.shell("mkdir -p /var/lib/muster; mount -t tmpfs none /var/lib/muster").checked();
  std::string key = controller.file(std::string(kSsh) + "/id.pub").read();
  std::string known;
  for (Node& host : servers()) {
    host.shell("mkdir -p -m 700 /root/.ssh").checked();
    host.file("/root/.ssh/authorized_keys").write(key, {.mode = 0600});
    host.file(kLookPath).write(kLook);
    known += host.name() + " " + host.file("/etc/ssh/ssh_host_ed25519_key.pub").read();
  }
  controller.file(std::string(kSsh) + "/known_hosts").write(known);
  controller.file(std::string(kSsh) + "/config")
      .write(std::string("Host *\n  UserKnownHostsFile ") + kSsh + "/known_hosts\n  IdentityFile " +
                 kSsh + "/id\n",
             {.mode = 0600});
  acceptNodeChanges();
}

void SshTest::SetUp() {
  controller().shell("rm -rf /root/state; mkdir -p /root/state").checked();
}

void SshTest::TearDown() {
  for (const char* cluster : {"one", "two"}) inner(std::string("muster down ") + cluster);
  expectNothingLeft();
}

std::string SshTest::file(const std::string& cluster, const std::string& nodes,
                          const std::string& keys) const {
  std::string text = "name: " + cluster + "\nprovisioner: ssh\n" + keys;
  if (keys.find("config:") == std::string::npos)
    text += std::string("config: ") + kSsh + "/config\n";
  if (keys.find("agent_port:") == std::string::npos)
    text += std::string("agent_port: ") + kPort + "\n";
  text += "nodes:\n  " + nodes + "\n";
  text = replaced(replaced(text, "HOST1", host(1).name()), "HOST2", host(2).name());
  std::string path = "/root/" + cluster + ".yaml";
  controller().file(path).write(text);
  return path;
}

Result SshTest::inner(const std::string& words) const {
  return controller().shell(words, innerOptions());
}

Process SshTest::beginInner(const std::string& words) const {
  return controller().start({"/bin/sh", "-c", "exec " + words}, innerOptions());
}

std::string SshTest::statesOf(const std::string& cluster) const {
  return controller().file("/root/state/clusters/" + cluster + "/states.jsonl").read();
}

std::string SshTest::leftoversOn(const Node& host) const {
  return host.run({"/bin/sh", kLookPath}).checked().out;
}

std::string SshTest::connections() const {
  return controller().shell("ls -d /tmp/[m]uster-ssh-*; pgrep -af '[m]uster-ssh-'; :").out;
}

void SshTest::expectNothingLeft() const {
  // A program that lost its controller may still be at it.
  for (Node& each : servers()) {
    EXPECT_THAT([&] { return leftoversOn(each); }, Eventually(IsEmpty(), 10s, 100ms))
        << each.name();
  }
  EXPECT_THAT([&] { return connections(); }, Eventually(IsEmpty(), 10s, 100ms));
  EXPECT_THAT(inner("ls /root/state/clusters").out, testing::AnyOf(IsEmpty(), "owner\n"));
}

void SshTest::killAgents(const Node& host) const {
  host.run({"pkill", "-KILL", "-f", "^/[^ ]*/muster-agents/nodes/"}).checked();
}

}  // namespace ssh_tests
