// Hosts that cannot be nodes: each error says the host, the step, ssh's words and the remedy, and
// what was half made on others is gone, which the fixture looks for.
#include <string>

#include "component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

class RefusalsTest : public ssh_tests::SshTest {
 public:
  static Needs needs() { return ssh_tests::needsHosts(NeedsInit::kAny); }

 protected:
  // Expects that up() of host 1 and of `other` fails because of the latter, with all texts.
  void expectRefusal(const std::string& other, const testing::Matcher<std::string>& text,
                     const std::string& keys = "") const {
    Result refused = inner(
        "muster up " +
        file("one", "a1: {role: server, host: HOST1}\n  a2: {role: server, " + other + "}", keys));
    EXPECT_FALSE(refused.succeeded());
    EXPECT_THAT(refused.err, text);
    expectNothingLeft();
  }
  // Mounts a small file system for the agents of host 2.
  static void mountOn(const std::string& options) {
    host(2)
        .shell("mkdir -p /srv/small; mount -t tmpfs -o mode=755," + options + " none /srv/small")
        .checked();
  }
  static void unmount() { host(2).shell("umount /srv/small; rmdir /srv/small").checked(); }
};

TEST_F(RefusalsTest, UnknownHost) {
  expectRefusal("host: nosuch.invalid",
                AllOf(HasSubstr("node a2: host nosuch.invalid: connecting: "),
                      HasSubstr("Could not resolve"), HasSubstr("\"host\"")));
}

TEST_F(RefusalsTest, HostWithoutSsh) {
  expectRefusal("host: HOST2, port: 2222",
                AllOf(HasSubstr("Connection refused"), HasSubstr("start sshd")));
}

TEST_F(RefusalsTest, KeyOfAnotherMachine) {
  std::string known = controller().file("/root/ssh/known_hosts").read();
  std::string first = host(1).file("/etc/ssh/ssh_host_ed25519_key.pub").read();
  controller()
      .file("/root/ssh/other_hosts")
      .write(host(1).name() + " " + first + host(2).name() + " " + first);
  controller()
      .file("/root/ssh/other")
      .write(
          "Host *\n  UserKnownHostsFile /root/ssh/other_hosts\n  IdentityFile /root/ssh/id\n  "
          "StrictHostKeyChecking no\n");
  expectRefusal("host: HOST2",
                AllOf(HasSubstr("node a2: "), HasSubstr("has changed"), HasSubstr("ssh-keygen -R")),
                "config: /root/ssh/other\n");
}

TEST_F(RefusalsTest, KeyThatIsNotKnown) {
  controller()
      .file("/root/ssh/nobody")
      .write(
          "Host *\n  UserKnownHostsFile /dev/null\n  IdentityFile /root/ssh/id\n  "
          "StrictHostKeyChecking no\n");
  expectRefusal(
      "host: HOST2",
      AllOf(HasSubstr("Host key verification failed"), HasSubstr("compare the fingerprint")),
      "config: /root/ssh/nobody\n");
}

TEST_F(RefusalsTest, UserWithoutPermission) {
  expectRefusal("host: HOST2, user: nobody",
                AllOf(HasSubstr("Permission denied"), HasSubstr("\"identity\"")));
}

TEST_F(RefusalsTest, OtherArchitecture) {
  // The header of a program for ARM, and nothing behind it.
  controller()
      .shell(
          "{ printf '\\177ELF\\002\\001\\001'; head -c 9 /dev/zero; printf '\\002\\000\\267\\000'; "
          "head -c 200 /dev/zero; } > /root/arm")
      .checked();
  expectRefusal("host: HOST2, agent: /root/arm",
                AllOf(HasSubstr("node a2: "), HasSubstr("the agent is built for aarch64"),
                      HasSubstr("\"agent\"")));
}

TEST_F(RefusalsTest, FullDisk) {
  mountOn("size=4m");
  expectRefusal(
      "host: HOST2, directory: /srv/small/muster",
      AllOf(HasSubstr("node a2: "), HasSubstr("4096 KiB free"), HasSubstr("\"directory\"")));
  unmount();
}

TEST_F(RefusalsTest, DiskThatFillsUpMeanwhile) {
  // The size of a file is limited for the session, so that the copy ends where the space looked
  // enough.
  host(2).file("/root/.profile-limit").write("");
  host(2)
      .shell(
          "cp /etc/ssh/sshd_config /root/sshd_config.before; mkdir -p /etc/security; printf "
          "'ForceCommand ulimit -f 2000; trap \"\" XFSZ; eval \"$SSH_ORIGINAL_COMMAND\"\\n' >> "
          "/etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid)")
      .checked();
  expectRefusal("host: HOST2", AllOf(HasSubstr("node a2: "), HasSubstr("copying the agent"),
                                     HasSubstr("File too large")));
  host(2)
      .shell(
          "mv /root/sshd_config.before /etc/ssh/sshd_config; rm /root/.profile-limit; kill -HUP "
          "$(cat /run/sshd.pid)")
      .checked();
}

TEST_F(RefusalsTest, DirectoryWhereNoProgramRuns) {
  mountOn("noexec");
  expectRefusal("host: HOST2, directory: /srv/small/muster",
                AllOf(HasSubstr("noexec"), HasSubstr("\"directory\"")));
  unmount();
}

TEST_F(RefusalsTest, DirectoryThatCannotBeWritten) {
  expectRefusal("host: HOST2, directory: /proc/muster",
                AllOf(HasSubstr("cannot make /proc/muster"), HasSubstr("\"directory\"")));
}

TEST_F(RefusalsTest, ServerThatForbidsForwarding) {
  host(2)
      .shell(
          "cp /etc/ssh/sshd_config /root/sshd_config.before; echo 'AllowTcpForwarding no' >> "
          "/etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid)")
      .checked();
  expectRefusal("host: HOST2, control: ssh",
                AllOf(HasSubstr("forwarding to the agent"), HasSubstr("AllowTcpForwarding")));
  host(2)
      .shell("mv /root/sshd_config.before /etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid)")
      .checked();
}

TEST_F(RefusalsTest, MistakesOfTheFileHaveTheirPlaces) {
  std::string path = file("one", "a[1-2]: {role: server, host: HOST1}");
  EXPECT_THAT(inner("muster up " + path).err,
              AllOf(HasSubstr(path + ":6:"), HasSubstr("1 for the 2 nodes")));
  path = file("one", "a1: {role: server, host: \"-oProxyCommand=touch /x\"}");
  EXPECT_THAT(inner("muster up " + path).err,
              AllOf(HasSubstr(path + ":6:"), HasSubstr("is not such as")));
}

}  // namespace
