// Variables of services and commands: there while the change is, and gone with it.
#include <muster/muster.h>

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

// Kills the keeper of the node, and waits for the reconnect.
void killKeeper(const Node& node) {
  uint32_t before = node.state().reconnects;
  // Process 1 of a node without systemd matches too, but the kernel protects it.
  node.run({"pkill", "-KILL", "-f", "--", "nodeagent"});
  EXPECT_THAT([&] { return node.state().reconnects; }, Eventually(testing::Gt(before), 20s, 20ms));
  EXPECT_THAT([&] { return node.shell("ls /run/nodeagent/changes").out; },
              Eventually(IsEmpty(), 10s));
}

class CommandEnvironmentTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
  static void SetUpTestSuite() {
    change(node(), CommandEnvironment{{{"OF_SUITE", "s"}, {"BOTH", "suite"}}});
  }

 protected:
  static Node& node() { return servers()[0]; }
  static std::string seen(const RunOptions& options = {}) {
    return node().shell("echo $OF_SUITE $OF_TEST $BOTH", options).out;
  }
};

TEST_F(CommandEnvironmentTest, NewerChangesAndOwnVariablesWin) {
  EXPECT_EQ(seen(), "s suite\n");
  Change ofTest = change(node(), CommandEnvironment{{{"OF_TEST", "a b\tc"}, {"BOTH", "test"}}});
  EXPECT_EQ(node().output({"printenv", "OF_TEST"}), "a b\tc\n");
  EXPECT_EQ(seen({.environment = {{"BOTH", "own"}}}), "s a b c own\n");
  EXPECT_EQ(seen({.environmentBase = EnvironmentBase::kNone}), "\n");
  EXPECT_EQ(node().start({"printenv", "BOTH"}, {.lifetime = CommandLifetime::kDetached}).wait().out,
            "test\n");
  ofTest.undo();
  EXPECT_EQ(seen(), "s suite\n");
  change(node(), CommandEnvironment{{{"OF_TEST", "left"}}});
}

TEST_F(CommandEnvironmentTest, NextTestHasThoseOfTheSuite) {
  EXPECT_EQ(seen(), "s suite\n");
}

TEST_F(CommandEnvironmentTest, KilledKeeperTakesThemAlong) {
  killKeeper(node());
  EXPECT_EQ(seen(), "\n");
}

// A service of scripts that writes down a variable when it starts.
class ScriptEnvironmentTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }

 protected:
  void SetUp() override {
    node()
        .file("/etc/init.d/kvd")
        .write(
            "#!/bin/sh\n[ ! -r /etc/default/kvd ] || . /etc/default/kvd\n"
            "case $1 in start|restart) printenv KVD_LOG > /run/kvd-log; true ;; esac\n",
            {.mode = 0755, .undo = UndoAt::kTestEnd});
  }
  static Node& node() { return servers()[0]; }
  static File settings() { return node().file("/etc/default/kvd"); }
  static std::string restarted() {
    node().service("kvd").restart(UndoAt::kNever);
    return node().file("/run/kvd-log").read();
  }
};

TEST_F(ScriptEnvironmentTest, ServiceSeesThemAfterARestartUntilTheEnd) {
  const std::string before = "# kvd\nKVD_LOG=info";
  settings().write(before, {.mode = 0640, .undo = UndoAt::kTestEnd});
  Change made = change(node(), ServiceEnvironment{"kvd", {{"KVD_LOG", "a \"b\" $c `d` \\e 'f'"}}});
  EXPECT_EQ(made.details().at("file"), "/etc/default/kvd");
  EXPECT_EQ(restarted(), "a \"b\" $c `d` \\e 'f'\n");
  made.undo();
  EXPECT_EQ(settings().read(), before);
  EXPECT_EQ(settings().stat()->mode, 0640u);
  EXPECT_EQ(restarted(), "");
}

TEST_F(ScriptEnvironmentTest, KilledKeeperAndWrongRequestsLeaveNothing) {
  change(node(), ServiceEnvironment{"kvd", {{"KVD_LOG", "debug"}}});
  EXPECT_EQ(restarted(), "debug\n");
  killKeeper(node());
  EXPECT_FALSE(settings().exists());
  EXPECT_THAT(
      [&] {
        change(node(), ServiceEnvironment{"none", {{"A", "1"}}});
      },
      FailsWith(NodeError::Kind::kNotFound, HasSubstr("no script of that name")));
  EXPECT_THAT(
      [&] {
        change(node(), ServiceEnvironment{"kvd", {{"1A", "1"}}});
      },
      FailsWith(NodeError::Kind::kInvalid, HasSubstr("no name of a variable")));
  EXPECT_FALSE(settings().exists());
}

// A unit of systemd that names a file with another value.
class UnitEnvironmentTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"client", 1}}, .init = NeedsInit::kSystemd}; }
  static void SetUpTestSuite() {
    node().file("/etc/kvd.env").write("KVD_LOG=info\n");
    node()
        .file("/lib/systemd/system/kvd.service")
        .write(
            "[Service]\nType=oneshot\nEnvironment=KVD_LOG=warn\nEnvironmentFile=/etc/kvd.env\n"
            "ExecStart=/bin/sh -c 'printenv KVD_LOG > /run/kvd-log'\n"
            "[Install]\nAlias=store.service\n");
    node().output({"systemctl", "enable", "kvd"});
  }

 protected:
  static Node& node() { return clients()[0]; }
  static std::string restarted() {
    node().service("kvd").restart(UndoAt::kNever);
    return node().file("/run/kvd-log").read();
  }
  static std::string dropIns() { return node().shell("ls /run/systemd/system/kvd.service.d").out; }
};

TEST_F(UnitEnvironmentTest, ServiceSeesThemAfterARestartUntilTheEnd) {
  EXPECT_EQ(restarted(), "info\n");
  const std::string value = "a \"b\" $c `d` \\e 'f' %n";
  Change made = change(node(), ServiceEnvironment{"store", {{"KVD_LOG", value}}});
  EXPECT_EQ(restarted(), value + "\n");
  Change newer = change(node(), ServiceEnvironment{"kvd", {{"KVD_LOG", "newer"}}});
  EXPECT_EQ(restarted(), "newer\n");
  newer.undo();
  EXPECT_EQ(restarted(), value + "\n");
  EXPECT_THAT(node().output({"systemctl", "show", "-p", "Environment", "kvd"}),
              testing::Not(HasSubstr("`d`")));
  made.undo();
  EXPECT_EQ(restarted(), "info\n");
  EXPECT_THAT(dropIns(), IsEmpty());
}

TEST_F(UnitEnvironmentTest, IsLeftToTheEndOfTheTest) {
  change(node(), ServiceEnvironment{"kvd.service", {{"KVD_LOG", "left"}}});
  EXPECT_EQ(restarted(), "left\n");
}

TEST_F(UnitEnvironmentTest, NextTestFindsNothingOfIt) {
  EXPECT_THAT(dropIns(), IsEmpty());
  EXPECT_EQ(restarted(), "info\n");
}

TEST_F(UnitEnvironmentTest, KilledKeeperAndWrongRequestsLeaveNothing) {
  change(node(), ServiceEnvironment{"kvd", {{"KVD_LOG", "debug"}}});
  killKeeper(node());
  EXPECT_THAT(dropIns(), IsEmpty());
  EXPECT_EQ(restarted(), "info\n");
  EXPECT_THAT(
      [&] {
        change(node(), ServiceEnvironment{"none", {{"A", "1"}}});
      },
      FailsWith(NodeError::Kind::kNotFound, HasSubstr("systemd knows no such unit")));
  EXPECT_THAT(
      [&] {
        change(node(), ServiceEnvironment{"basic.target", {{"A", "1"}}});
      },
      FailsWith(NodeError::Kind::kInvalid, HasSubstr("is no service")));
}

}  // namespace
