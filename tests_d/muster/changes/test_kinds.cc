// Every kind of change, made on a node and taken back.
#include <muster/muster.h>

namespace {

using namespace muster;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr uint64_t kMiB = 1 << 20;

class ChangeTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  Node& a() { return servers()[0]; }
  Node& b() { return servers()[1]; }
  std::string shell(const std::string& script) { return a().shell(script).out; }

  // Makes a change that the node may lack a module or a device for; skips the test then.
  std::optional<Change> changeIfPossible(const ChangeSpec& spec) {
    try {
      return change(a(), spec);
    } catch (const NodeError& error) {
      bool isLacking = error.kind() == NodeError::Kind::kUnsupported ||
                       std::string(error.what()).find("loop device") != std::string::npos;
      if (!isLacking) throw;
      std::cerr << error.what() << "\n";
      return std::nullopt;
    }
  }
};

TEST_F(ChangeTest, ChangeOfTheSessionIsTakenBackByHand) {
  TmpfsMount mount{.directory = "/mnt/session", .bytes = kMiB};
  Change kept = change(a(), mount, UndoAt::kSessionEnd);
  EXPECT_THAT(shell("cat /proc/mounts"), HasSubstr("/mnt/session"));
  kept.undo();
  EXPECT_THAT(shell("grep /mnt/session /proc/mounts"), IsEmpty());
}

TEST_F(ChangeTest, SysctlIsSetAndPutBack) {
  const std::string get = "cat /proc/sys/net/ipv4/ip_forward";
  std::string before = shell(get);
  std::string other = before == "0\n" ? "1" : "0";
  Change forwarding = change(a(), Sysctl{.name = "net.ipv4.ip_forward", .value = other});
  EXPECT_EQ(shell(get), other + "\n");
  EXPECT_EQ(forwarding.details().at("before") + "\n", before);
  EXPECT_EQ(testing::PrintToString(forwarding),
            "node server1: change that sets net.ipv4.ip_forward to " + other);
  forwarding.undo();
  EXPECT_EQ(shell(get), before);
  forwarding.undo();
}

TEST_F(ChangeTest, AddressIsUsableAtOnce) {
  Change extra = change(a(), ExtraAddress{.address = "10.99.7.5/24", .interface = "eth0"});
  EXPECT_THAT(a().run({"ping", "-c", "1", "-W", "1", "10.99.7.5"}), Succeeded());
  extra.undo();
  EXPECT_THAT(shell("ip address"), Not(HasSubstr("10.99.7.5")));
}

TEST_F(ChangeTest, HostsEntryIsFound) {
  std::string before = a().file("/etc/hosts").read();
  Change entry = change(a(), HostsEntry{.address = "10.99.7.6", .names = {"backup", "server1"}});
  EXPECT_EQ(shell("getent hosts backup | cut -d' ' -f1"), "10.99.7.6\n");
  EXPECT_THAT(shell("getent ahostsv4 server1"), HasSubstr("10.99.7.6"));
  entry.undo();
  EXPECT_EQ(a().file("/etc/hosts").read(), before);
}

TEST_F(ChangeTest, TmpfsHasItsSizeAndTakesItsDirectoryAlong) {
  Change small =
      change(a(), TmpfsMount{.directory = "/mnt/small one/", .bytes = kMiB, .mode = 0700});
  EXPECT_THAT(shell("stat -f -c '%T %S %b' '/mnt/small one'"), HasSubstr("tmpfs 4096 256"));
  EXPECT_EQ(shell("stat -c %a '/mnt/small one'"), "700\n");
  EXPECT_THAT(a().shell("head -c 2M /dev/zero > '/mnt/small one/big'"), ExitedWith(1));
  EXPECT_THAT([&] { change(a(), TmpfsMount{.directory = "/mnt/small one", .bytes = kMiB}); },
              FailsWith(NodeError::Kind::kConflict, HasSubstr("is a mount point already")));
  small.undo();
  EXPECT_FALSE(a().file("/mnt/small one").exists());
}

TEST_F(ChangeTest, BusyMountIsDetached) {
  Change busy = change(a(), TmpfsMount{.directory = "/mnt/busy", .bytes = kMiB});
  Process holder = a().start({"sh", "-c", "exec 3>/mnt/busy/held; echo ready; exec sleep 1000"});
  holder.readUntil("ready", std::chrono::seconds(10));
  busy.undo();
  EXPECT_THAT(shell("grep /mnt/busy /proc/mounts"), IsEmpty());
}

TEST_F(ChangeTest, LoopIsANewFileSystem) {
  auto disk = changeIfPossible(LoopMount{.directory = "/mnt/disk", .bytes = 16 * kMiB});
  if (!disk) GTEST_SKIP() << "the node has no loop devices";
  EXPECT_EQ(shell("stat -f -c %T /mnt/disk"), "ext2/ext3\n");
  EXPECT_THAT(a().shell("head -c 32M /dev/zero > /mnt/disk/big"), ExitedWith(1));
  disk->undo();
  EXPECT_THAT(shell("grep /mnt/disk /proc/mounts; ls /var/tmp | grep muster"), IsEmpty());
}

TEST_F(ChangeTest, MountIsWhatTheNodeCanMount) {
  ASSERT_THAT(a().shell("mkdir -p /mnt/below && echo x > /mnt/below/file"), Succeeded());
  Change bind = change(
      a(),
      NodeMount{
          .directory = "/mnt/bound", .source = "/mnt/below", .type = "none", .options = "bind"});
  EXPECT_EQ(shell("cat /mnt/bound/file"), "x\n");
  EXPECT_THAT(
      [&] { change(a(), NodeMount{.directory = "/mnt/bound", .source = "x", .type = "nfs"}); },
      FailsWith(NodeError::Kind::kConflict, HasSubstr("is a mount point already")));
  bind.undo();
  EXPECT_FALSE(a().file("/mnt/bound").exists());
  EXPECT_THAT(
      [&] {
        change(a(),
               NodeMount{.directory = "/mnt/none", .source = "/mnt/below", .type = "nosuchfs"});
      },
      FailsWith(NodeError::Kind::kSystem, HasSubstr("is not a block device")));
  EXPECT_FALSE(a().file("/mnt/none").exists());
  EXPECT_THAT([&] { change(a(), NodeMount{.directory = "/mnt/m", .source = "-o", .type = "nfs"}); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("mount.source")));
  EXPECT_THAT([&] { change(a(), NodeMount{.directory = "/mnt/m", .source = "x", .type = "N S"}); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("mount.type")));
}

TEST_F(ChangeTest, PortOfTheFirewallIsOpenForAWhile) {
  ASSERT_THAT(a().shell("nft 'add table inet fw; add chain inet fw in { type filter hook input "
                        "priority 0; }; add rule inet fw in tcp dport 7400 drop'"),
              Succeeded());
  const std::string rules = shell("nft list ruleset");
  Process server = a().start({"python3", "-m", "http.server", "7400"});
  EXPECT_THAT([&] { return a().shell("ss -ltn"); },
              Eventually(StdoutHas(":7400"), std::chrono::seconds(10)));
  const auto answers = [&] {
    return b().shell("timeout 2 bash -c ': > /dev/tcp/" + a().address() + "/7400'").succeeded();
  };
  EXPECT_FALSE(answers());
  Change open = change(a(), OpenPort{.port = 7400});
  EXPECT_EQ(open.details().at("chains"), "1");
  EXPECT_THAT(answers, Eventually(true, std::chrono::seconds(10)));
  open.undo();
  EXPECT_FALSE(answers());
  EXPECT_EQ(shell("nft list ruleset"), rules);
  EXPECT_THAT(a().shell("nft delete table inet fw"), Succeeded());
  EXPECT_THAT([&] { change(a(), OpenPort{}); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("port.port")));
}

TEST_F(ChangeTest, InterfacesComeAndGo) {
  Change pair = change(a(), VethPair{.name = "m0", .peer = "m1"});
  Change bridge = change(a(), Bridge{.name = "mbr0", .ports = {"m0"}});
  change(a(), ExtraAddress{.address = "10.99.8.1/24", .interface = "mbr0"});
  EXPECT_THAT(shell("ip -o link show m0"), HasSubstr("master mbr0"));
  EXPECT_THAT([&] { change(a(), Bridge{.name = "mbr1", .ports = {"m0"}}); },
              FailsWith(NodeError::Kind::kConflict, HasSubstr("part of another bridge")));
  pair.undo();
  EXPECT_THAT(shell("ip -o link"), Not(HasSubstr("m1")));
  bridge.undo();
  EXPECT_THAT(shell("ip -o link"), Not(HasSubstr("mbr0")));
}

TEST_F(ChangeTest, VlanIsAnInterfaceOfItsOwn) {
  auto vlan = changeIfPossible(Vlan{.interface = "eth0", .id = 7});
  if (!vlan) GTEST_SKIP() << "the kernel has no VLANs";
  EXPECT_THAT(shell("ip -d link show eth0.7"), HasSubstr("vlan protocol 802.1Q id 7"));
  vlan->undo();
  EXPECT_THAT(shell("ip -o link"), Not(HasSubstr("eth0.7")));
}

TEST_F(ChangeTest, UsersAndGroupsComeAndGo) {
  Change group = change(a(), NodeGroup{.name = "kvdata", .id = 4242});
  Change user = change(a(), NodeUser{.name = "kvd", .group = "kvdata", .withHome = true});
  EXPECT_THAT(shell("id kvd"), HasSubstr("gid=4242(kvdata)"));
  EXPECT_THAT(a().run({"id", "-un"}, {.user = "kvd"}), Prints("kvd"));
  EXPECT_THAT([&] { change(a(), NodeUser{.name = "kvd"}); },
              FailsWith(NodeError::Kind::kConflict, HasSubstr("has a user kvd already")));
  user.undo();
  group.undo();
  EXPECT_THAT(a().run({"getent", "passwd", "kvd"}), ExitedWith(2));
  EXPECT_THAT(a().run({"getent", "group", "kvdata"}), ExitedWith(2));
  EXPECT_FALSE(a().file("/home/kvd").exists());
}

// What stands in gtest's report of the running test.
std::string propertyOfTest(const std::string& key) {
  const testing::TestResult& result =
      *testing::UnitTest::GetInstance()->current_test_info()->result();
  for (int i = 0; i < result.test_property_count(); ++i) {
    if (key == result.GetTestProperty(i).key()) return result.GetTestProperty(i).value();
  }
  return "";
}

// The package is made on the nodes, which have no network.
TEST_F(ChangeTest, PackageIsInstalledOnAllNodesAndPurged) {
  const std::string make =
      "mkdir -p /root/p/DEBIAN /root/p/opt && echo hello > /root/p/opt/muster-sample && "
      "printf 'Package: muster-sample\\nVersion: 1.2-3\\nArchitecture: all\\nMaintainer: A <a@b.c>"
      "\\nDescription: sample\\n' > /root/p/DEBIAN/control && dpkg-deb -b /root/p /root/s.deb";
  if (!a().run({"which", "apt-get"}).succeeded()) GTEST_SKIP() << "the nodes have no apt-get";
  servers().shell(make);
  auto installed = change(servers(), Packages{.names = {"/root/s.deb"}}).checked();
  for (const auto& one : installed) {
    EXPECT_EQ(one.value->details().at("muster-sample"), "1.2-3");
    EXPECT_EQ(propertyOfTest(one.node + ".packages"), "muster-sample 1.2-3");
  }
  EXPECT_THAT(servers().file("/opt/muster-sample").exists(), OnEachNode(true));
  for (const auto& one : installed) one.value->undo();
  EXPECT_THAT(servers().file("/opt/muster-sample").exists(), OnEachNode(false));
  servers().shell("rm -rf /root/p /root/s.deb");
}

TEST_F(ChangeTest, WrongRequestsTouchNothing) {
  constexpr auto kInvalid = NodeError::Kind::kInvalid;
  const std::string look = "ls /mnt /run/nodeagent/changes";
  const std::string before = shell(look);
  EXPECT_THAT([&] { change(a(), Sysctl{.name = "net/../../etc", .value = "1"}); },
              FailsWith(kInvalid, HasSubstr("no name of a parameter")));
  EXPECT_THAT([&] { change(a(), Sysctl{.name = "net.ipv4.ip_forward", .value = "x"}); },
              FailsWith(kInvalid, HasSubstr("refuses the value \"x\"")));
  EXPECT_THAT([&] { change(a(), Sysctl{.name = "kernel.panic", .value = "1"}); },
              FailsWith(NodeError::Kind::kDenied, HasSubstr("set kernel.panic")));
  EXPECT_THAT([&] { change(a(), TmpfsMount{.directory = "mnt", .bytes = kMiB}); },
              FailsWith(kInvalid, HasSubstr("no absolute path")));
  EXPECT_THAT([&] { change(a(), TmpfsMount{.directory = "/mnt/no/where", .bytes = kMiB}); },
              FailsWith(NodeError::Kind::kNotFound, HasSubstr("/mnt/no/where")));
  EXPECT_THAT(
      [&] { change(a(), LoopMount{.directory = "/mnt/d", .bytes = kMiB, .fileSystem = "nofs"}); },
      FailsWith(NodeError::Kind::kUnsupported, HasSubstr("no program mkfs.nofs")));
  EXPECT_THAT(
      [&] { change(a(), Sysctl{.name = "net.ipv4.ip_forward", .value = "1"}, UndoAt::kNever); },
      FailsWith(kInvalid, HasSubstr("always taken back")));
  EXPECT_EQ(shell(look), before);
}

}  // namespace
