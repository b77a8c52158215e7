// Tries init/nodeagent.init with a fake agent, and has systemd look at the unit.
#include <signal.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "nodeagent/os/command.h"
#include "nodeagent/service/fake_node_testing.h"

namespace nodeagent::service {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kLong = 30'000'000'000;

class InitScriptTest : public ::testing::Test {
 protected:
  // LISTENS stands for its actions before it listens, ENDS for those at SIGTERM.
  static constexpr const char* kAgent = R"sh(
case $1 in --check-config) exit "$(cat "$DIR/check")" ;; esac
trap 'echo reloaded >> "$DIR/reloads"' HUP
trap "$ENDS" TERM
eval "$LISTENS"
echo $$ > "$2"
while :; do sleep 0.05; done)sh";

  InitScriptTest() { fake("sleep 0.2", "exit 0"); }
  ~InitScriptTest() noexcept override {
    int pid = atoi(node_.content("pid").c_str());
    if (pid > 1 && ::getpgid(pid) == pid) ::kill(pid, SIGKILL);
  }

  void fake(const std::string& listens, const std::string& ends) {
    std::string directory = node_.path("").cStr();
    node_.script("nodeagent", "DIR='" + directory + "'; LISTENS='" + listens + "'; ENDS='" + ends +
                                  "'" + kAgent);
    put("check", "0");
    put("defaults", "DAEMON=" + directory + "nodeagent\nPIDFILE=" + directory + "pid\nLOGFILE=" +
                        directory + "log\nAGENT_ANY_USER=1\nSTART_SECONDS=2\nSTOP_SECONDS=1\n");
  }

  void put(const std::string& name, const std::string& content) {
    std::ofstream(node_.path(name).cStr()) << content;
  }

  // Returns the script's exit status; its output is in output_.
  int run(const std::string& action) {
    std::string command = std::string("AGENT_DEFAULTS='") + node_.path("defaults").cStr() +
                          "' sh " MUSTER_INIT_DIR "/nodeagent.init " + action;
    CommandResult result =
        runCommand(kj::arr(kj::str("sh"), kj::str("-c"), kj::str(command.c_str())), kLong);
    output_.assign(result.output.asChars().begin(), result.output.size());
    return result.end == CommandResult::End::kExited ? result.value : -1;
  }

  FakeNode node_;
  std::string output_;
};

TEST_F(InitScriptTest, StartsOnceAndReturnsWhenItListens) {
  EXPECT_EQ(run("status"), 3) << output_;
  EXPECT_EQ(run("start"), 0) << output_;
  std::string pid = node_.content("pid");
  EXPECT_THAT(pid, Not(""));
  EXPECT_EQ(run("start"), 0) << output_;
  EXPECT_EQ(node_.content("pid"), pid);
  EXPECT_EQ(run("status"), 0) << output_;
  EXPECT_EQ(run("restart"), 0) << output_;
  EXPECT_NE(node_.content("pid"), pid);
  EXPECT_EQ(run("stop"), 0) << output_;
  EXPECT_EQ(run("stop"), 0) << output_;
  EXPECT_EQ(run("status"), 3) << output_;
}

TEST_F(InitScriptTest, IsNotMisledByAStalePidFile) {
  put("pid", std::to_string(::getpid()) + "\n");  // Alive, and no agent.
  EXPECT_EQ(run("status"), 1) << output_;
  EXPECT_EQ(run("reload"), 7) << output_;
  EXPECT_EQ(run("try-restart"), 0) << output_;
  EXPECT_EQ(run("start"), 0) << output_;
  EXPECT_EQ(run("status"), 0) << output_;
  EXPECT_EQ(run("stop"), 0) << output_;
  for (std::string content : {"", "x\n", "-1\n", "99999999\n"}) {
    put("pid", content);
    EXPECT_EQ(run("status"), 1) << content;
    EXPECT_EQ(run("stop"), 0) << content;
  }
}

TEST_F(InitScriptTest, SaysWhyItDoesNotStart) {
  put("check", "78");
  EXPECT_EQ(run("start"), 6) << output_;
  fake("sleep 0.2", "exit 0");
  put("defaults", "DAEMON=/no/such/agent\nPIDFILE=" + std::string(node_.path("pid").cStr()) + "\n");
  EXPECT_EQ(run("start"), 5) << output_;
  EXPECT_THAT(output_, HasSubstr("/no/such/agent"));
  fake("echo no port; exit 71", "exit 0");
  EXPECT_EQ(run("start"), 1);
  EXPECT_THAT(output_, HasSubstr("no port"));
  EXPECT_EQ(run("status"), 3);
}

TEST_F(InitScriptTest, GivesUpOnAnAgentThatNeverListens) {
  fake("sleep 60", "exit 0");
  EXPECT_EQ(run("start"), 1);
  EXPECT_THAT(output_, HasSubstr("does not listen after 2 s"));
}

TEST_F(InitScriptTest, KillsAnAgentThatDoesNotEnd) {
  fake("true", "");
  EXPECT_EQ(run("start"), 0) << output_;
  EXPECT_EQ(run("stop"), 0) << output_;
  EXPECT_THAT(output_, HasSubstr("killing it"));
  EXPECT_EQ(run("status"), 3);
}

TEST_F(InitScriptTest, ReloadsOnlyAGoodConfiguration) {
  EXPECT_EQ(run("start"), 0) << output_;
  EXPECT_EQ(run("reload"), 0) << output_;
  EXPECT_EQ(run("force-reload"), 0) << output_;
  put("check", "78");
  EXPECT_EQ(run("reload"), 6);
  EXPECT_EQ(run("stop"), 0);
}

TEST_F(InitScriptTest, KnowsItsActions) {
  EXPECT_EQ(run(""), 2);
  EXPECT_EQ(run("dance"), 3);
  EXPECT_THAT(output_, HasSubstr("Usage:"));
}

TEST(InitFilesTest, UnitIsWhatSystemdExpects) {
  FakeNode node;
  std::ifstream file(MUSTER_INIT_DIR "/nodeagent.service");
  std::string unit{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(unit, AllOf(HasSubstr("Type=notify"), HasSubstr("Delegate=yes"),
                          HasSubstr("KillMode=process")));
  // It looks for programs and pages that are not installed here.
  for (std::string word : {"/usr/bin/nodeagent", "man:nodeagent(8)"}) {
    for (size_t at = unit.find(word); at != std::string::npos; at = unit.find(word, at + 1)) {
      unit.replace(at, word.size(), word[0] == '/' ? "/bin/true" : "https://example.org");
    }
  }
  std::ofstream(node.path("nodeagent.service").cStr()) << unit;
  CommandResult result = runCommand(
      kj::arr(kj::str("systemd-analyze"), kj::str("verify"), node.path("nodeagent.service")),
      kLong);
  if (result.end == CommandResult::End::kNotStarted)
    GTEST_SKIP() << "systemd-analyze is not installed";
  EXPECT_TRUE(result.succeeded()) << describeEnd(result).cStr();
  EXPECT_EQ(result.output.size(), 0u) << kj::str(result.output.asChars()).cStr();
}

}  // namespace
}  // namespace nodeagent::service
