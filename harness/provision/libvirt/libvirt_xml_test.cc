#include "harness/provision/libvirt/libvirt_xml.h"

#include <gmock/gmock.h>

#include "harness/provision/error.h"
#include "harness/provision/libvirt/libvirt_connection.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

LibvirtMark exampleMark() {
  return {.owner = "host-0123", .cluster = "demo", .directory = "/x/<&\"'", .node = "a1"};
}

DomainPlan examplePlan() {
  return {.mark = exampleMark(),
          .settings = {.memoryBytes = 64 << 20, .cpus = 1.5},
          .subnet = "10.78.5",
          .address = "10.78.5.11",
          .root = "/x/<root>",
          .bootId = "/x/boot-id"};
}

TEST(LibvirtXmlTest, ContainerHasWhatItsPlanSays) {
  EXPECT_THAT(
      containerXml(examplePlan()),
      AllOf(HasSubstr("<name>muster-demo-a1</name>"),
            HasSubstr("<memory unit=\"b\">67108864</memory>"), HasSubstr("<vcpu>2</vcpu>"),
            HasSubstr("<quota>150000</quota>"), HasSubstr("<init>/usr/bin/nodeagent</init>"),
            HasSubstr("<source dir=\"/x/&lt;root>\""),
            HasSubstr("<target dir=\"/proc/sys/kernel/random/boot_id\""),
            HasSubstr("<source network=\"muster-demo\""),
            HasSubstr("<ip family=\"ipv4\" address=\"10.78.5.11\" prefix=\"24\"")));
}

TEST(LibvirtXmlTest, NodeWithoutLimitOfProcessorsHasNoQuota) {
  DomainPlan plan = examplePlan();
  plan.settings.cpus = 0;
  EXPECT_THAT(containerXml(plan), Not(HasSubstr("quota")));
}

TEST(LibvirtXmlTest, HardwareAddressesDifferByClusterAndNode) {
  std::string first = hardwareAddress("demo", "10.78.5.11");
  EXPECT_EQ(first, hardwareAddress("demo", "10.78.5.11"));
  EXPECT_THAT(first, testing::MatchesRegex("52:54:[0-9a-f][0-9a-f]:[0-9a-f][0-9a-f]:05:0b"));
  EXPECT_NE(first, hardwareAddress("demo", "10.78.5.12"));
  EXPECT_NE(first, hardwareAddress("other", "10.78.5.11"));
}

TEST(LibvirtMarkTest, StrangersHaveNone) {
  EXPECT_EQ(markIn("<network><name>default</name></network>"), std::nullopt);
  EXPECT_EQ(
      markIn("<network><metadata><mark xmlns=\"urn:other\" owner=\"x\"/></metadata></network>"),
      std::nullopt);
  EXPECT_EQ(markIn("<network><metadata><muster:mark xmlns:muster=\"urn:other\" owner=\"x\"/>"
                   "</metadata></network>"),
            std::nullopt);
  EXPECT_EQ(markIn("no XML"), std::nullopt);
}

void expectExampleMark(const std::string& xml) {
  std::optional<LibvirtMark> mark = markIn(xml);
  ASSERT_TRUE(mark) << xml;
  EXPECT_EQ(mark->owner, "host-0123");
  EXPECT_EQ(mark->cluster, "demo");
  EXPECT_EQ(mark->directory, "/x/<&\"'");
  EXPECT_EQ(mark->node, "a1");
}

// libvirt's own driver for tests, whose things go with the connection.
class LibvirtConnectionTest : public testing::Test {
 protected:
  const LibvirtThing* find(const std::vector<LibvirtThing>& things, const std::string& name) {
    for (const LibvirtThing& thing : things) {
      if (thing.name == name) return &thing;
    }
    return nullptr;
  }

  LibvirtConnection libvirt_{"test:///default"};
};

TEST_F(LibvirtConnectionTest, NetworkKeepsItsMarkAndItsSubnet) {
  libvirt_.createNetwork(networkXml(exampleMark(), "10.78.5"));
  std::vector<LibvirtThing> networks = libvirt_.networks();
  const LibvirtThing* network = find(networks, "muster-demo");
  ASSERT_NE(network, nullptr);
  expectExampleMark(network->xml);
  EXPECT_EQ(subnetIn(network->xml), "10.78.5");
  libvirt_.destroyNetwork("muster-demo");
  EXPECT_EQ(find(libvirt_.networks(), "muster-demo"), nullptr);
  EXPECT_NO_THROW(libvirt_.destroyNetwork("muster-demo"));
}

TEST_F(LibvirtConnectionTest, DomainIsMadeFrozenAndDestroyed) {
  pugi::xml_document document;
  document.load_string(containerXml(examplePlan()).c_str());
  pugi::xml_node domain = document.document_element();
  domain.attribute("type") = "test";
  domain.child("os").child("type").text() = "hvm";
  domain.child("os").remove_child("init");
  domain.remove_child("devices");
  std::ostringstream xml;
  document.save(xml);
  libvirt_.createDomain(xml.str(), DomainTenure::kStanding, "a1");
  std::vector<LibvirtThing> domains = libvirt_.domains();
  const LibvirtThing* made = find(domains, "muster-demo-a1");
  ASSERT_NE(made, nullptr);
  expectExampleMark(made->xml);
  EXPECT_EQ(libvirt_.power("muster-demo-a1"), DomainPower::kRunning);
  libvirt_.suspend("muster-demo-a1", "a1");
  EXPECT_EQ(libvirt_.power("muster-demo-a1"), DomainPower::kPaused);
  libvirt_.resume("muster-demo-a1", "a1");
  EXPECT_EQ(libvirt_.power("muster-demo-a1"), DomainPower::kRunning);
  libvirt_.destroyDomain("muster-demo-a1");
  EXPECT_EQ(libvirt_.power("muster-demo-a1"), DomainPower::kGone);
  EXPECT_NO_THROW(libvirt_.destroyDomain("muster-demo-a1"));
}

TEST_F(LibvirtConnectionTest, FailuresNameTheNodeAndTheAttempt) {
  try {
    libvirt_.createDomain("<domain", DomainTenure::kStanding, "a1");
    ADD_FAILURE();
  } catch (const ProvisionError& error) {
    EXPECT_EQ(error.node(), "a1");
    EXPECT_THAT(error.detail(), HasSubstr("start its domain: "));
  }
}

TEST(LibvirtDaemonTest, UriWithoutDriverIsSaid) {
  try {
    LibvirtConnection("nonsense:///system");
    ADD_FAILURE();
  } catch (const ProvisionError& error) {
    EXPECT_THAT(error.what(), HasSubstr("libvirt at nonsense:///system: "));
  }
}

}  // namespace
}  // namespace harness
