// Pins the text of the rules, and reads what nft 1.0.6 printed.
#include "nodeagent/netfault/nft_table.h"

#include <gmock/gmock.h>
#include <kj/debug.h>

#include "nodeagent/netfault/fake_nft_testing.h"

namespace nodeagent::netfault {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = wire::Error::Kind;
using Protocol = wire::Drop::Protocol;

constexpr int64_t kHoldNs = 30'500'000'000;
constexpr uint16_t kPorts[] = {7411};
const char kTable[] = "muster_00000000000000000000000000000000";

kj::Own<FaultSpec> newSpec() {
  auto spec = kj::atomicRefcounted<FaultSpec>();
  spec->title = kj::str("isolate");
  spec->addresses4 = kj::arr(kj::str("10.0.0.1"), kj::str("10.0.0.2"));
  spec->addresses6 = kj::arr(kj::str("fe80::1"));
  spec->peerPorts = kj::heapArray<uint16_t>({7500});
  return spec;
}

std::string made(const FaultSpec& spec) {
  return makeText(spec, kPorts, kHoldNs).cStr();
}

TEST(NftTextTest, TableLetsTheAgentsOwnPortThroughFirst) {
  std::string table = kTable;
  EXPECT_EQ(made(*newSpec()),
            "add table inet " + table + "; add chain inet " + table +
                " input { type filter hook input priority -150; policy accept; }; add rule inet " +
                table + " input tcp dport { 7411 } accept; add rule inet " + table +
                " input tcp sport { 7411, 7500 } accept; add set inet " + table +
                " peers4 { type ipv4_addr; flags timeout; }; add rule inet " + table +
                " input ip saddr @peers4 counter drop; add set inet " + table +
                " peers6 { type ipv6_addr; flags timeout; }; add rule inet " + table +
                " input ip6 saddr @peers6 counter drop; add element inet " + table +
                " peers4 { 10.0.0.1 timeout 30500ms, 10.0.0.2 timeout 30500ms }; " +
                "add element inet " + table + " peers6 { fe80::1 timeout 30500ms }; ");
}

TEST(NftTextTest, OptionsBecomeConditionsInThisOrder) {
  auto spec = newSpec();
  spec->protocol = Protocol::TCP;
  spec->port = 80;
  spec->partsPerMillion = 200'000;
  EXPECT_THAT(made(*spec), HasSubstr("ip saddr @peers4 meta l4proto tcp th dport 80 "
                                     "numgen random mod 1000000 < 200000 counter drop"));
  EXPECT_THAT(made(*spec), Not(HasSubstr("th sport")));
  spec->protocol = Protocol::ANY;
  spec->fromPort = true;
  EXPECT_THAT(made(*spec), HasSubstr("ip6 saddr @peers6 meta l4proto { tcp, udp } th sport 80"));
}

TEST(NftTextTest, HoldingEmptiesAndFillsTheSetsInOneTransaction) {
  auto spec = newSpec();
  spec->addresses6 = nullptr;
  std::string table = kTable;
  EXPECT_EQ(std::string(holdText(*spec, kHoldNs).cStr()),
            "flush set inet " + table + " peers4; add element inet " + table +
                " peers4 { 10.0.0.1 timeout 30500ms, 10.0.0.2 timeout 30500ms }; ");
}

// As nft prints it, elements on several lines and service names included.
constexpr char kPrintedTable[] = R"(table inet muster_ab {
	set peers4 {
		type ipv4_addr
		flags timeout
		elements = { 10.0.0.1 timeout 40s500ms expires 40s488ms, 10.0.0.2 timeout 40s500ms expires 40s488ms,
			     10.0.0.3 timeout 1m expires 59s996ms }
	}

	set peers6 {
		type ipv6_addr
		flags timeout
		elements = { fe80::1 timeout 1m expires 59s996ms }
	}

	chain input {
		type filter hook input priority mangle; policy accept;
		tcp dport { 7411, 7412 } accept
		ip saddr @peers4 meta l4proto { tcp, udp } th dport 80 counter packets 3 bytes 84 drop
		ip6 saddr @peers6 numgen random mod 1000000 < 20000 counter packets 2 bytes 96 drop
	}
}
)";

TEST(NftListingTest, ReadsWhatNftPrints) {
  Listing listing = parseListing(kPrintedTable, "muster_ab");
  EXPECT_TRUE(listing.isOurs);
  EXPECT_TRUE(listing.hasHook);
  EXPECT_THAT(listing.addresses, ElementsAre("10.0.0.1", "10.0.0.2", "10.0.0.3", "fe80::1"));
  EXPECT_EQ(listing.dropRules, 2u);
  EXPECT_EQ(listing.packets, 5u);
  EXPECT_EQ(listing.bytes, 180u);
}

TEST(NftListingTest, TableWithOtherThingsIsNotOurs) {
  EXPECT_FALSE(parseListing(kPrintedTable, "muster_cd").isOurs);
  std::string text = kPrintedTable;
  for (const char* foreign : {"\tset other {\n\t}\n", "\tchain output {\n\t}\n", "\tmap m {\n\t}\n",
                              "\tcounter c {\n\t}\n"}) {
    std::string with = text;
    with.insert(with.find("\tset peers4"), foreign);
    EXPECT_FALSE(parseListing(with.c_str(), "muster_ab").isOurs) << foreign;
  }
}

TEST(NftListingTest, NoPrefixOfAListingIsAnError) {
  std::string text = kPrintedTable;
  for (size_t bytes = 0; bytes < text.size(); ++bytes) {
    parseListing(text.substr(0, bytes).c_str(), "muster_ab");
  }
}

class NftTableTest : public ::testing::Test {
 protected:
  ~NftTableTest() noexcept override {}

  void expectFails(FakeNft::Mode mode, Kind kind, const char* text) {
    fake_.become(mode);
    support::Failure failure = failureOf([&]() {
      table_.make(*spec_, kPorts, kHoldNs);
      requireShown(table_.read().orDefault(Listing()), *spec_);
    });
    EXPECT_EQ(failure.kind, kind);
    EXPECT_THAT(failure.text.cStr(), HasSubstr(text));
  }

  FakeNft fake_;
  kj::Own<FaultSpec> spec_ = newSpec();
  NftTable table_{spec_->id, fake_.tool()};
};

TEST_F(NftTableTest, ComesIsHeldAndGoesWhole) {
  table_.make(*spec_, kPorts, kHoldNs);
  requireShown(KJ_ASSERT_NONNULL(table_.read()), *spec_);
  table_.hold(*spec_, kHoldNs);
  requireShown(KJ_ASSERT_NONNULL(table_.read()), *spec_);
  fake_.count(7);
  EXPECT_EQ(table_.remove().packets, 14u);
  EXPECT_TRUE(table_.read() == nullptr);
  EXPECT_FALSE(table_.remove().isOurs) << "a second time it is not there, which is no failure";
}

TEST_F(NftTableTest, ToolThatDoesNothingIsFound) {
  expectFails(FakeNft::Mode::kIdle, Kind::SYSTEM, "the kernel shows no chain of the fault");
  expectFails(FakeNft::Mode::kForgetful, Kind::SYSTEM, "the kernel shows no element 10.0.0.1");
}

TEST_F(NftTableTest, FailuresSayWhatTheNodeLacks) {
  expectFails(FakeNft::Mode::kMissing, Kind::UNSUPPORTED, "install its package nftables");
  expectFails(FakeNft::Mode::kNotPermitted, Kind::DENIED, "nft: Operation not permitted");
}

TEST_F(NftTableTest, ForeignTableOfThatNameStays) {
  table_.make(*spec_, kPorts, kHoldNs);
  fake_.spoil("\tchain mine {\n\t}\n");
  EXPECT_EQ(failureOf([&]() { table_.remove(); }).kind, Kind::CONFLICT);
  EXPECT_EQ(fake_.tableCount(), 1u);
}

TEST_F(NftTableTest, MissingRuleIsFound) {
  table_.make(*spec_, kPorts, kHoldNs);
  spec_->port = 80;
  spec_->fromPort = true;
  auto shown = KJ_ASSERT_NONNULL(table_.read());
  EXPECT_THAT(failureOf([&]() { requireShown(shown, *spec_); }).text.cStr(),
              HasSubstr("2 rules instead of 4"));
}

}  // namespace
}  // namespace nodeagent::netfault
