// Tries the parsers by texts, whole machines by a /proc and /sys that the test writes, and this
// machine by itself.
#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <capnp/message.h>
#include <gmock/gmock.h>
#include <kj/async-io.h>

#include "nodeagent/facts/collect.h"
#include "nodeagent/facts/facts_service.h"
#include "nodeagent/facts/text.h"
#include "nodeagent/session/service_testing.h"
#include "schema/support/base/version.h"

namespace nodeagent {
namespace {

using facts::readLine;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Another machine, as files below a directory.
class FakeRoot {
 public:
  FakeRoot() {
    std::string pattern = (std::filesystem::temp_directory_path() / "muster-facts-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~FakeRoot() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  void put(const std::string& name, const std::string& content) {
    std::filesystem::path file = path_ + name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content;
  }
  kj::StringPtr path() const { return path_.c_str(); }

 private:
  std::string path_;
};

class CollectTest : public ::testing::Test {
 protected:
  ~CollectTest() noexcept override {}
  FakeRoot root_;
  capnp::MallocMessageBuilder message_;
  wire::Facts::Builder facts_ = message_.initRoot<wire::Facts>();
};

TEST(OsReleaseTest, UnquotesAsAShellWould) {
  std::string text =
      "# note\nID=debian\nPRETTY_NAME=\"A \\\"B\\\" \\$5\"\nVERSION_ID='12'\nEMPTY=\n";
  EXPECT_EQ(facts::osReleaseValue(text, "ID"), "debian");
  EXPECT_EQ(facts::osReleaseValue(text, "PRETTY_NAME"), "A \"B\" $5");
  EXPECT_EQ(facts::osReleaseValue(text, "VERSION_ID"), "12");
  EXPECT_EQ(facts::osReleaseValue(text, "VERSION"), "");
  EXPECT_EQ(facts::osReleaseValue(text, "EMPTY"), "");
}

TEST(CpuListTest, ReadsRangesAndStopsAtNonsense) {
  EXPECT_THAT(facts::parseCpuList("0-2,5"), ElementsAre(0, 1, 2, 5));
  EXPECT_THAT(facts::parseCpuList("7"), ElementsAre(7));
  EXPECT_THAT(facts::parseCpuList(""), IsEmpty());
  EXPECT_THAT(facts::parseCpuList("x"), IsEmpty());
  EXPECT_THAT(facts::parseCpuList("0-4294967295"), IsEmpty());
}

TEST(MountLineTest, KnowsNetworkFileSystems) {
  for (const char* type :
       {"nfs", "nfs4", "fuse.glusterfs", "fuse", "cifs", "ceph", "9p", "autofs"}) {
    EXPECT_TRUE(facts::mayHang(type)) << type;
  }
  for (const char* type : {"ext4", "xfs", "tmpfs", "overlay", "btrfs"})
    EXPECT_FALSE(facts::mayHang(type)) << type;
}

TEST(PlainTextTest, IsFitForATextField) {
  EXPECT_EQ(facts::plainText("a\nb\x1b"), "a?b?");
  EXPECT_EQ(facts::plainText("\xc3\xa4"), "\xc3\xa4");
  EXPECT_EQ(facts::plainText("\xff x"), "? x");
}

TEST_F(CollectTest, ReadsProcessorsAndNodes) {
  for (int i = 0; i < 2; ++i) {
    std::string cpu = "/sys/devices/system/cpu/cpu" + std::to_string(i);
    root_.put(cpu + "/topology/physical_package_id", std::to_string(i) + "\n");
    root_.put(cpu + "/topology/core_id", "3\n");
    root_.put(cpu + "/node" + std::to_string(i) + "/x", "");
  }
  root_.put("/sys/devices/system/cpu/cpu1/online", "0\n");
  root_.put("/sys/devices/system/cpu/cpufreq/x", "");
  root_.put("/sys/devices/system/node/node1/cpulist", "1\n");
  root_.put("/sys/devices/system/node/node1/meminfo",
            "Node 1 MemTotal:   1024 kB\nNode 1 MemFree: 3 kB\n");
  root_.put("/proc/cpuinfo",
            "processor\t: 0\nmodel name\t: Model A\n\nprocessor\t: 1\nmodel name\t: Model B\n");
  facts::collectCpus(root_.path(), facts_);
  facts::collectNumaNodes(root_.path(), facts_);
  ASSERT_EQ(facts_.getCpus().size(), 2u);
  EXPECT_TRUE(facts_.getCpus()[0].getOnline());
  EXPECT_FALSE(facts_.getCpus()[1].getOnline());
  EXPECT_EQ(facts_.getCpus()[1].getModel(), "Model B");
  EXPECT_EQ(facts_.getCpus()[1].getSocket(), 1u);
  EXPECT_EQ(facts_.getCpus()[1].getCore(), 3u);
  EXPECT_EQ(facts_.getCpus()[1].getNumaNode(), 1u);
  ASSERT_EQ(facts_.getNumaNodes().size(), 1u);
  EXPECT_EQ(facts_.getNumaNodes()[0].getMemoryBytes(), 1024u * 1024u);
  EXPECT_EQ(facts_.getNumaNodes()[0].getCpus()[0], 1u);
}

TEST_F(CollectTest, ReadsDisksWithTheirPartitions) {
  root_.put("/sys/block/vda/size", "2048\n");
  root_.put("/sys/block/vda/queue/logical_block_size", "4096\n");
  root_.put("/sys/block/vda/queue/rotational", "1\n");
  root_.put("/sys/block/vda/device/model", "Fast disk  \n");
  root_.put("/sys/block/vda/vda1/partition", "1\n");
  root_.put("/sys/block/vda/vda1/size", "1024\n");
  root_.put("/sys/block/vda/vda1/ro", "1\n");
  root_.put("/sys/block/loop0/size", "0\n");
  facts::collectDisks(root_.path(), facts_);
  ASSERT_EQ(facts_.getDisks().size(), 2u);
  EXPECT_EQ(facts_.getDisks()[0].getName(), "vda");
  EXPECT_EQ(facts_.getDisks()[0].getSizeBytes(), 1u << 20);
  EXPECT_EQ(facts_.getDisks()[0].getModel(), "Fast disk");
  EXPECT_TRUE(facts_.getDisks()[0].getRotational());
  EXPECT_FALSE(facts_.getDisks()[0].getReadOnly());
  EXPECT_EQ(facts_.getDisks()[1].getParent(), "vda");
  EXPECT_EQ(facts_.getDisks()[1].getSectorBytes(), 4096u);
  EXPECT_TRUE(facts_.getDisks()[1].getReadOnly());
}

TEST_F(CollectTest, LeavesUnreadableFactsEmpty) {
  facts::collectHost(root_.path(), facts_);
  facts::collectCpus(root_.path(), facts_);
  facts::collectMemory(root_.path(), facts_.initMemory());
  facts::collectMounts(root_.path(), facts_);
  EXPECT_EQ(facts_.getOsId(), "");
  EXPECT_EQ(facts_.getMachineId(), "");
  EXPECT_FALSE(facts_.hasCapabilities());
  EXPECT_EQ(facts_.getCpus().size(), 0u);
  EXPECT_EQ(facts_.getMemory().getTotalBytes(), 0u);
  EXPECT_EQ(facts_.getMounts().size(), 0u);
}

TEST_F(CollectTest, CapabilitiesAreNamed) {
  root_.put("/proc/self/status", "Name:\tx\nCapEff:\t0000020008000001\n");
  facts::collectHost(root_.path(), facts_);
  ASSERT_EQ(facts_.getCapabilities().size(), 2u);
  EXPECT_EQ(facts_.getCapabilities()[0], "chown");
  EXPECT_EQ(facts_.getCapabilities()[1], "mknod");
}

TEST_F(CollectTest, ContainerIsNamed) {
  root_.put("/proc/1/environ", std::string("PATH=/bin\0container=muster\0", 27));
  facts::collectHost(root_.path(), facts_);
  EXPECT_EQ(facts_.getVirtualization(), "muster");
}

class FactsServiceTest : public ::testing::Test {
 protected:
  ~FactsServiceTest() noexcept override {}

  capnp::Response<wire::FactsView::ReadResults> read() {
    place_.host.numbers = [] { return AgentNumbers{4711, 3, 2}; };
    return client_.readRequest().send().wait(io_.waitScope);
  }
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  TestHost place_{io_};
  kj::Own<AgentService> service_ = makeFacts(place_.host);
  kj::Own<Session> session_ = newSession(io_.provider->getTimer(), wire::Role::OBSERVER);
  wire::FactsView::Client client_ = offered<wire::FactsView>(*service_, *session_);
  capnp::Response<wire::FactsView::ReadResults> response_ = read();
  wire::Facts::Reader facts_ = response_.getFacts();
};

TEST_F(FactsServiceTest, AgreesWithTheKernel) {
  struct utsname names;
  ASSERT_EQ(::uname(&names), 0);
  EXPECT_FALSE(response_.hasError());
  EXPECT_EQ(facts_.getHostname(), names.nodename);
  EXPECT_EQ(facts_.getKernelRelease(), names.release);
  EXPECT_EQ(facts_.getArchitecture(), names.machine);
  EXPECT_EQ(std::string(facts_.getBootId().cStr()), readLine("/proc/sys/kernel/random/boot_id"));
  EXPECT_GT(facts_.getUptimeNs(), 0);
  EXPECT_EQ(facts_.getMemory().getTotalBytes() % 1024, 0u);
  EXPECT_EQ(facts_.getMemory().getTotalBytes(), static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                                                    static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(facts_.getCpus().size(), static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_CONF)));
}

TEST_F(FactsServiceTest, KnowsTheLoopback) {
  kj::Maybe<wire::Interface::Reader> loopback;
  for (auto interface : facts_.getInterfaces()) {
    if (interface.getName() == "lo") loopback = interface;
  }
  KJ_IF_MAYBE (lo, loopback) {
    EXPECT_TRUE(lo->getLoopback());
    EXPECT_EQ(lo->getIndex(), 1u);
    EXPECT_EQ(lo->getMtu(), facts::readNumber("/sys/class/net/lo/mtu"));
    EXPECT_EQ(lo->getMacAddress(), "");
    for (auto address : lo->getAddresses()) {
      if (address.getText() != "127.0.0.1") continue;
      EXPECT_EQ(address.getPrefixLength(), 8);
      EXPECT_EQ(address.getScope(), "host");
      EXPECT_EQ(address.getFamily(), wire::Interface::Address::Family::IPV4);
    }
  } else {
    FAIL() << "no interface lo among " << facts_.getInterfaces().size();
  }
}

TEST_F(FactsServiceTest, KnowsTheRootMountAndTheAgent) {
  bool root = false;
  for (auto mount : facts_.getMounts()) {
    if (kj::StringPtr("/").asBytes() != mount.getTarget()) continue;
    root = true;
    EXPECT_GT(mount.getType().size(), 0u);
  }
  EXPECT_TRUE(root);
  EXPECT_EQ(facts_.getAgent().getVersion(), support::kVersion);
  EXPECT_EQ(facts_.getAgent().getStartedRealtimeNs(), 4711);
  EXPECT_EQ(facts_.getAgent().getJobsRunning(), 3u);
  EXPECT_EQ(facts_.getAgent().getSessions(), 2u);
  EXPECT_GT(facts_.getAgent().getResidentBytes(), 1u << 20);
}

}  // namespace
}  // namespace nodeagent
