// The commands of `muster` print the right text and end with the right status, on real nodes.
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"

namespace command {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kThree[] = "  server[1-2]: {role: server}\n  client1: {role: client}\n";

class CommandTest : public OwnClusterTest {};

// Returns the texts that the objects of a JSON document have under `key`.
std::vector<std::string> valuesOf(const std::string& key, const std::string& json) {
  std::regex member("\"" + key + "\": \"([^\"]+)\"");
  std::vector<std::string> values;
  for (std::sregex_iterator at(json.begin(), json.end(), member), end; at != end; ++at) {
    values.push_back((*at)[1]);
  }
  return values;
}

TEST_F(CommandTest, NodesAreListedAsATableAndAsJson) {
  ASSERT_THAT(muster({"up", file(kThree)}), AllOf(exits(0), prints("server[1-2],client1 up")));
  EXPECT_THAT(onCluster("nodes", {}),
              AllOf(exits(0), prints("server2  server  10.77.0.12  unix  up")));
  EXPECT_THAT(onCluster("nodes", {"@client", "--json"}),
              AllOf(exits(0), prints("\"name\": \"client1\""), prints("\"state\": \"up\"")));
  EXPECT_THAT(onCluster("nodes", {}), prints("CLOCK OFFSET"));
  EXPECT_THAT(onCluster("facts", {"server[1-2]"}),
              AllOf(exits(0), prints("server1:\n  host      server1\n"), prints("10.77.0.12/")));
  EXPECT_THAT(onCluster("facts", {"client1", "--json"}),
              AllOf(exits(0), prints("\"node\": \"client1\""), prints("\"errors\": []")));
  EXPECT_THAT(muster({"up", file(kThree)}), AllOf(exits(73), complains("is up already")));
  EXPECT_THAT(muster({"down", cluster_}), AllOf(exits(0), prints("down")));
  EXPECT_THAT(muster({"down", cluster_}), AllOf(exits(0), prints("was not up")));
  EXPECT_THAT(onCluster("nodes", {}), AllOf(exits(69), complains("no running local cluster")));
}

// Equal outputs are printed once for all their nodes. Scripts rely on the exit statuses.
TEST_F(CommandTest, ExecFoldsWhatIsEqualAndEndsWithTheHighestStatus) {
  ASSERT_THAT(muster({"up", file(kThree)}), exits(0));
  EXPECT_THAT(onCluster("exec", {"@server", "--", "echo", "a b"}),
              AllOf(exits(0), Field(&Ended::out, "--- server[1-2]\na b\n")));
  EXPECT_THAT(onCluster("exec", {"@*", "--", "sh", "-c", "[ $(hostname) != client1 ] || exit 4"}),
              AllOf(exits(4), prints("--- client1: exited with status 4\n")));
  EXPECT_THAT(onCluster("exec", {"client1", "-i", "--", "tr", "a-z", "A-Z"}, "loud"),
              AllOf(exits(0), Field(&Ended::out, "LOUD")));
  EXPECT_THAT(onCluster("exec", {"client1", "--", "no-such-program"}),
              AllOf(exits(127), complains("No such file or directory")));
  EXPECT_THAT(onCluster("exec", {"client1", "--", "/etc/hostname"}),
              AllOf(exits(126), complains("Permission denied")));
  EXPECT_THAT(onCluster("exec", {"client1", "-C", "/missing", "--", "true"}),
              AllOf(exits(126), complains("directory \"/missing\": No such file or directory")));
  EXPECT_THAT(onCluster("exec", {"client1", "-t", "200ms", "--", "sleep", "60"}), exits(124));
  EXPECT_THAT(onCluster("exec", {"client1", "--", "sh", "-c", "kill -9 $$"}), exits(137));
}

TEST_F(CommandTest, CommandsOfOneExecWaitForEachOther) {
  ASSERT_THAT(muster({"up", file(kThree)}), exits(0));
  std::string script =
      "nodeagent barrier start --count 2 --timeout 10s && nodeagent report --result pass "
      "--message ready took=1s";
  Ended ended = onCluster("exec", {"@server", "--", "sh", "-c", script});
  EXPECT_THAT(ended, exits(0));
  EXPECT_THAT(ended, complains("server1: reported pass: ready took=1s\n"));
  EXPECT_THAT(ended, complains("server2: reported pass"));
}

// Two commands that meet run at once.
TEST_F(CommandTest, FanOutBoundsHowManyCommandsRunAtOnce) {
  ASSERT_THAT(muster({"up", file(kThree)}), exits(0));
  auto meet = [&](const std::string& fanOut) {
    return onCluster("exec", {"@server", "--fanout", fanOut, "--", "nodeagent", "barrier",
                              "b" + fanOut, "--count", "2", "--timeout", "2s"});
  };
  EXPECT_THAT(meet("2"), exits(0));
  EXPECT_THAT(meet("1"), exits(124));
  EXPECT_THAT(onCluster("exec", {"@server", "--fanout", "0", "--", "true"}),
              AllOf(exits(64), complains("--fanout")));
  EXPECT_THAT(onCluster("exec", {"@server", "--fanout", "1", "-i", "--", "cat"}),
              AllOf(exits(64), complains("leave one out")));
}

TEST_F(CommandTest, BarrierShowsWhatCommandsWaitFor) {
  ASSERT_THAT(muster({"up", file(kThree)}), exits(0));
  EXPECT_THAT(onCluster("barrier", {}), AllOf(exits(0), prints("REMAINING")));
  pid_t waiting = startProgram("muster", {"exec", "--cluster", cluster_, "server1", "--",
                                          "nodeagent", "barrier", "start", "--count", "2"});
  Ended shown;
  for (int i = 0; i < 100 && shown.out.find("start") == std::string::npos; ++i) {
    shown = onCluster("barrier", {"@server"});
  }
  EXPECT_THAT(shown, AllOf(exits(0), prints("barrier  start  2       server1"),
                           prints("nodeagent barrier start --count 2")));
  EXPECT_THAT(onCluster("barrier", {"server1", "--json"}), prints("\"wanted\": 2"));
  EXPECT_THAT(onCluster("barrier", {"client1"}), Field(&Ended::out, Not(HasSubstr("start"))));
  ::kill(waiting, SIGTERM);
  ::waitpid(waiting, nullptr, 0);
}

TEST_F(CommandTest, RebootReturnsWhenTheNodesHaveNewBootIds) {
  ASSERT_THAT(muster({"up", file(kThree)}), exits(0));
  Ended rebooted = onCluster("reboot", {"server[1-2]", "--json"});
  ASSERT_THAT(rebooted, exits(0));
  auto before = valuesOf("boot_id_before", rebooted.out);
  auto now = valuesOf("boot_id", rebooted.out);
  ASSERT_EQ(before.size(), 2u);
  ASSERT_EQ(now.size(), 2u);
  EXPECT_EQ(std::set<std::string>({before[0], before[1], now[0], now[1]}).size(), 4u);
  EXPECT_THAT(onCluster("reboot", {"nosuch"}), exits(65));
  EXPECT_THAT(onCluster("reboot", {"server1", "--within", "0s"}), exits(64));
  EXPECT_THAT(onCluster("reboot", {"client1"}), AllOf(exits(0), prints("client1: is back with")));
}

TEST_F(CommandTest, NodesWhosePowerCannotBeCutAreNotRebooted) {
  std::string path = file("");
  std::ofstream(path) << "name: " << cluster_ << "\nprovisioner: static\nnodes:\n"
                      << "  n1: {role: server, address: \"127.0.0.2:1\"}\n";
  EXPECT_THAT(muster({"reboot", "n1", "--cluster", path}),
              AllOf(exits(69), complains("of kind \"static\" cannot be cut")));
}

TEST_F(CommandTest, EveryResultIsAvailableAsJson) {
  std::string path = file("  server1: {role: server}\n");
  EXPECT_THAT(muster({"check", path, "--json"}), AllOf(exits(0), prints("\"missing\": []")));
  EXPECT_THAT(muster({"up", path, "--json"}),
              AllOf(exits(0), prints("\"cluster\": \"" + cluster_ + "\"")));
  EXPECT_THAT(onCluster("exec", {"server1", "--json", "--", "sh", "-c", "echo a; exit 3"}),
              AllOf(exits(3), prints("\"stdout\": \"a\\n\""), prints("\"status\": 3")));
  EXPECT_THAT(muster({"list", "--components", "--json"}),
              AllOf(exits(0), prints("\"command\"")));
  EXPECT_THAT(muster({"gc", "--json"}), AllOf(exits(0), prints("\"collected\": [")));
  EXPECT_THAT(muster({"down", cluster_, "--json"}), AllOf(exits(0), prints("\"was_up\": true")));
}

TEST_F(CommandTest, ShellTakesItsScriptFromAPipe) {
  ASSERT_THAT(muster({"up", file("  server1: {role: server}\n")}), exits(0));
  EXPECT_THAT(onCluster("shell", {"server1"}, "hostname\nexit 5\n"),
              AllOf(exits(5), prints("server1\n")));
}

TEST_F(CommandTest, TcpNodesAreReachedByTls) {
  std::string text = std::string(kThree) + "control: tcp\n";
  ASSERT_THAT(muster({"up", file(text)}), exits(0));
  EXPECT_THAT(onCluster("nodes", {}), AllOf(exits(0), prints("10.77.0.11  7411  up")));
  EXPECT_THAT(onCluster("exec", {"@*", "--", "id", "-u"}),
              AllOf(exits(0), prints("--- server[1-2],client1\n0")));
}

TEST_F(CommandTest, BootCommandsHaveEndedWhenUpReturns) {
  ASSERT_THAT(
      muster({"up", file("  server1: {role: server, boot: [echo booted > /var/tmp/boot]}\n")}),
      exits(0));
  EXPECT_THAT(onCluster("exec", {"server1", "--", "cat", "/var/tmp/boot"}), prints("booted"));
  muster({"down", cluster_});
  EXPECT_THAT(muster({"up", file("  server1: {role: server, boot: [echo oh >&2; exit 9]}\n")}),
              AllOf(exits(73), complains("node server1: its boot commands ended with \"exit 9\""),
                    complains("oh")));
}

TEST_F(CommandTest, SystemdRunsTheAgentAsAUnit) {
  if (!std::filesystem::exists("/lib/systemd/systemd")) GTEST_SKIP() << "no systemd here";
  ASSERT_THAT(muster({"up", file("  server1: {role: server, init: systemd}\n")}), exits(0));
  EXPECT_THAT(onCluster("exec", {"server1", "--", "systemctl", "is-system-running", "--wait"}),
              prints("running"));
  EXPECT_THAT(onCluster("exec", {"server1", "--", "systemctl", "is-active", "nodeagent"}),
              prints("active"));
}

TEST_F(CommandTest, OptionsMayStandBeforeTheCommand) {
  ASSERT_THAT(muster({"up", file(kThree)}), exits(0));
  Ended behind = onCluster("exec", {"client1", "--", "hostname"});
  EXPECT_THAT(behind, AllOf(exits(0), prints("client1\n")));
  EXPECT_EQ(muster({"--cluster", cluster_, "exec", "client1", "--", "hostname"}).out, behind.out);
  EXPECT_THAT(muster({"--cluster=" + cluster_, "--json", "nodes", "client1"}),
              AllOf(exits(0), prints("\"name\": \"client1\"")));
}

TEST_F(CommandTest, OldSpellingsWorkWithANote) {
  ASSERT_THAT(muster({"up", file(kThree)}), exits(0));
  EXPECT_THAT(onCluster("nodes", {"--timeout", "10s"}),
              AllOf(exits(0), complains("--timeout is now spelt --connect-timeout")));
  EXPECT_THAT(onCluster("ps", {"--run", "r", "--patience", "5s"}),
              AllOf(exits(0), complains("--run is now spelt --run-id"),
                    complains("--patience is now spelt --connect-timeout")));
}

// A script that reads a result must learn that a part is missing.
TEST_F(CommandTest, OutputThatIsLostIsAFailure) {
  ASSERT_THAT(muster({"up", file(kThree)}), exits(0));
  std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "muster";
  for (const char* words : {"nodes", "exec @* -- echo a", "exec client1 -- echo a", "ps --json"}) {
    std::string line = program + " --cluster " + cluster_ + " " + words + " >/dev/full";
    EXPECT_THAT(runProgram("/bin/sh", {"-c", line}),
                AllOf(exits(74), complains("No space left on device")))
        << words;
  }
}

// Each common mistake has its exit status, and a text that says what would be right.
TEST_F(CommandTest, MistakesAreRefusedWithAHint) {
  ASSERT_THAT(muster({"up", file(kThree)}), exits(0));
  struct Wrong {
    std::vector<std::string> arguments;
    int status;
    const char* text;
  };
  std::string mine = "--cluster=" + cluster_;
  const Wrong kWrong[] = {
      {{}, 64, "usage: muster COMMAND"},
      {{"exce"}, 64, "did you mean \"exec\"?"},
      {{"up"}, 64, "an argument is missing; usage: muster up"},
      {{"up", "/no/file.yaml"}, 66, "/no/file.yaml: cannot be read: No such file or directory"},
      {{"nodes", "--bogus"}, 64, "there is no option \"--bogus\""},
      {{"nodes", "--jsn"}, 64, "did you mean \"--json\"?"},
      {{"exec", mine, "client1"}, 64, "a command is missing"},
      {{"exec", mine, "clinet1", "--", "ls"}, 65, "did you mean \"client1\"?"},
      {{"exec", mine, "server[1", "--", "ls"}, 65, "column 7: this bracket is never closed"},
      {{"exec", mine, "@sever", "--", "ls"}, 65, "there is no role or label \"@sever\""},
      {{"exec", mine, "client1", "-t", "0s", "--", "ls"}, 64, "\"0s\" is not a positive duration"},
      {{"exec", mine, "client1", "-u", "nobody-such", "--", "ls"}, 126, "nobody-such"},
      {{"shell", mine, "@server"}, 65, "2 nodes; a shell is opened on one"},
      {{"nodes", "--cluster=nope"}, 69, "no running local cluster \"nope\""},
      {{"run", "--bin-dir=/nowhere"}, 66, "no programs named COMPONENT_tests in /nowhere"},
  };
  for (const Wrong& wrong : kWrong) {
    EXPECT_THAT(muster(wrong.arguments), AllOf(exits(wrong.status), complains(wrong.text)));
  }
}

// The certificates in the example are those of another machine, so it is read but not served.
TEST(AgentConfigTest, TheExampleIsReadToItsEnd) {
  std::string example = std::string("--config=") + MUSTER_CONFIG_DIR + "/nodeagent.yaml";
  EXPECT_THAT(runProgram("nodeagent", {"--print-config", example}),
              AllOf(exits(0), prints("server1")));
}

}  // namespace
}  // namespace command
