// Agents that systemd does not start, and users that are not root. The hosts may have a systemd.
#include <string>

#include "component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

class PlainHostsTest : public ssh_tests::SshTest {
 public:
  static Needs needs() { return ssh_tests::needsHosts(NeedsInit::kAny); }

 protected:
  // Makes a user of host 1 who may log in.
  static void addUser(const std::string& name) {
    host(1)
        .shell("id " + name + " 2>/dev/null || useradd -m -s /bin/sh " + name +
               "; install -d -m 700 -o " + name + " /home/" + name + "/.ssh; install -m 600 -o " +
               name + " /root/.ssh/authorized_keys /home/" + name + "/.ssh/")
        .checked();
    acceptNodeChanges();
  }
};

TEST_F(PlainHostsTest, AgentRunsInASessionOfItsOwn) {
  std::string path = file("one", "a1: {role: server, host: HOST1}", "start: plain\n");
  ASSERT_THAT(inner("muster up " + path), Succeeded());
  EXPECT_THAT(statesOf("one"), HasSubstr("by plain"));
  EXPECT_THAT(inner("muster exec --cluster one a1 -- id -un"), Prints("root"));
}

TEST_F(PlainHostsTest, DownFindsWhatAKilledAgentLeft) {
  std::string path = file("one", "a1: {role: server, host: HOST1}", "start: plain\n");
  ASSERT_THAT(inner("muster up " + path), Succeeded());
  ASSERT_THAT(inner("muster exec --cluster one --detach a1 -- sleep 4321"), Succeeded());
  killAgents(host(1));
  ASSERT_THAT(host(1).run({"pgrep", "-f", "^sleep 4321"}), Succeeded());
  EXPECT_THAT(inner("muster down one"), Succeeded());
  EXPECT_FALSE(host(1).run({"pgrep", "-f", "^sleep 4321"}).succeeded());
}

TEST_F(PlainHostsTest, PersistentAgentIsAServiceOfInit) {
  std::string path =
      file("one", "a1: {role: server, host: HOST1}", "persistent: true\nstart: init\n");
  ASSERT_THAT(inner("muster up " + path), Succeeded());
  EXPECT_THAT(statesOf("one"), HasSubstr("by init"));
  EXPECT_THAT(host(1).shell("ls /etc/rc2.d"), Prints("muster-agent-"));
  killAgents(host(1));
  EXPECT_THAT(host(1).shell("env -u NODEAGENT_JOB /etc/init.d/muster-agent-* start"), Succeeded());
  EXPECT_THAT(inner("muster exec --cluster one a1 -- echo alive"), Prints("alive"));
}

TEST_F(PlainHostsTest, OrdinaryUserHasTheAgentInItsHome) {
  addUser("plain");
  std::string nodes = "a1: {role: server, host: HOST1, user: plain}";
  ASSERT_THAT(inner("muster up " + file("one", nodes)), Succeeded());
  EXPECT_THAT(inner("muster exec --cluster one a1 -- id -un"), Prints("plain"));
  EXPECT_TRUE(host(1).file("/home/plain/.muster-agents").exists());
  EXPECT_THAT(inner("muster down one"), Succeeded());
  EXPECT_THAT(inner("muster up " + file("two", nodes, "persistent: true\n")).err,
              AllOf(HasSubstr("starting the agent"), HasSubstr("start: plain")));
}

TEST_F(PlainHostsTest, UserOfSudoHasAnAgentOfRoot) {
  addUser("admin");
  std::string nodes = "a1: {role: server, host: HOST1, user: admin, sudo: true}";
  Result refused = inner("muster up " + file("one", nodes));
  EXPECT_THAT(refused.err, AllOf(HasSubstr("a password is required"), HasSubstr("NOPASSWD")));

  host(1).file("/etc/sudoers.d/admin").write("admin ALL=(root) NOPASSWD: ALL\n", {.mode = 0440});
  ASSERT_THAT(inner("muster up " + file("one", nodes)), Succeeded());
  EXPECT_THAT(inner("muster exec --cluster one a1 -- id -un"), Prints("root"));
  EXPECT_THAT(inner("muster down one"), Succeeded());
  host(1).file("/etc/sudoers.d/admin").remove();
}

}  // namespace
