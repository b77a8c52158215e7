// Sample 16: change settings of nodes for the time of a test, and make directories alike.
#include <filesystem>
#include <fstream>

#include <muster/muster.h>

using namespace muster;

class ChangeSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }
};

// Everything is as before when the test has ended, however it ends.
TEST_F(ChangeSample, NodeHasAnotherAddressForAWhile) {
  Node& node = servers()[0];
  change(node, ExtraAddress{.address = "10.99.0.5/24", .interface = "eth0"});
  change(servers(), HostsEntry{.address = "10.99.0.5", .names = {"backup"}}).checked();
  change(node, Sysctl{.name = "net.ipv4.ip_forward", .value = "1"});
  EXPECT_THAT(node.run({"ping", "-c", "1", "backup"}), Succeeded());
}

TEST_F(ChangeSample, DiskIsFull) {
  Change small = change(servers()[0], TmpfsMount{.directory = "/mnt/small", .bytes = 1 << 20});
  EXPECT_THAT(servers()[0].shell("head -c 2M /dev/zero > /mnt/small/file"), ExitedWith(1));
  small.undo();
}

TEST_F(ChangeSample, CommandsAndServicesHaveVariables) {
  Node& node = servers()[0];
  change(node, CommandEnvironment{.variables = {{"KVD_HOME", "/srv/kvd"}}});
  EXPECT_EQ(node.output({"printenv", "KVD_HOME"}), "/srv/kvd\n");
  const char* script =
      "#!/bin/sh\n[ ! -r /etc/default/kvd ] || . /etc/default/kvd\n"
      "case $1 in start) echo $KVD_LOG > /run/kvd-log ;; stop) rm -f /run/kvd-log ;;\n"
      "status) test -e /run/kvd-log || exit 3 ;; esac\n";
  node.file("/etc/init.d/kvd").write(script, {.mode = 0755, .undo = UndoAt::kTestEnd});
  // systemd takes a new script for a service once it has looked for it.
  node.shell("[ ! -d /run/systemd/system ] || systemctl daemon-reload");
  change(node, ServiceEnvironment{.service = "kvd", .variables = {{"KVD_LOG", "debug"}}});
  node.service("kvd").start();
  EXPECT_EQ(node.file("/run/kvd-log").read(), "debug\n");
}

// A variable that the template names and nobody has defined is an error, and nothing is written.
TEST_F(ChangeSample, SettingsComeFromATemplate) {
  for (Node& node : servers()) {
    std::string text = renderTemplate("listen={{address}}\npeers={{peers}}\n",
                                      {{"address", node.address()}, {"peers", "2"}});
    node.file("/etc/kvd.conf").write(text, {.undo = UndoAt::kTestEnd});
  }
  FileSet settings = servers().file("/etc/kvd.conf");
  settings.edit(replacing("peers=2", "peers=3"), {.undo = UndoAt::kTestEnd}).checked();
  EXPECT_THAT(settings.read(), OnEachNode(testing::HasSubstr("peers=3\n")));
}

TEST_F(ChangeSample, OnlyWhatDiffersIsSent) {
  std::filesystem::path local = testing::TempDir() + "/muster-sample";
  std::filesystem::create_directories(local);
  std::ofstream(local / "a") << "one";
  syncTree(local, servers(), "/srv/sample").checked();
  std::ofstream(local / "b") << "two";
  TransferResult second = syncTree(local, servers()[0], "/srv/sample");
  EXPECT_EQ(second.files, 1u);
  auto digests = servers().file("/srv/sample").treeDigest().checked();
  EXPECT_NE(digests["server1"], digests["server2"]);
  std::filesystem::remove_all(local);
  servers().file("/srv/sample").removeTree().checked();
}
