// Pins the words for tc, and reads what tc 6.1.0 printed.
#include "nodeagent/netfault/qdisc.h"

#include <gmock/gmock.h>
#include <kj/debug.h>

#include "nodeagent/netfault/fake_nft_testing.h"

namespace nodeagent::netfault {
namespace {

using ::testing::HasSubstr;
using Kind = wire::Error::Kind;

std::string wordsOf(const LinkSpec& spec) {
  return kj::strArray(qdiscWords(spec), " ").cStr();
}

TEST(QdiscWordsTest, RateAloneIsATokenBucket) {
  LinkSpec spec;
  spec.bitsPerSecond = 1'000'000'000;
  EXPECT_EQ(wordsOf(spec), "tbf rate 1000000000bit burst 1250000 latency 400ms");
  spec.bitsPerSecond = 8'000;
  EXPECT_EQ(wordsOf(spec), "tbf rate 8000bit burst 4096 latency 400ms");
}

TEST(QdiscWordsTest, EverythingElseIsNetem) {
  LinkSpec spec;
  spec.delayNs = 50'000'000;
  EXPECT_EQ(wordsOf(spec), "netem delay 50000us");
  spec.jitterNs = 5'000'000;
  spec.duplicatePpm = 10'000;
  spec.reorderPpm = 250'000;
  spec.corruptPpm = 1'000;
  spec.bitsPerSecond = 8'000'000;
  EXPECT_EQ(wordsOf(spec),
            "netem delay 50000us 5000us duplicate 1% reorder 25% corrupt 0.1% rate 8000000bit");
}

constexpr char kPrinted[] =
    "qdisc tbf 6d75: root refcnt 3 rate 8Mbit burst 32Kb lat 400ms \n"
    " Sent 126 bytes 3 pkt (dropped 0, overlimits 0 requeues 0) \n"
    " backlog 0b 0p requeues 0\n";

TEST(QdiscListingTest, ReadsWhatTcPrints) {
  auto listing = KJ_ASSERT_NONNULL(parseQdisc(kPrinted));
  EXPECT_TRUE(listing.isOurs());
  EXPECT_EQ(listing.packets, 3u);
  EXPECT_EQ(listing.bytes, 126u);
  auto idle = KJ_ASSERT_NONNULL(parseQdisc("qdisc noqueue 0: root refcnt 2 \n"));
  EXPECT_TRUE(idle.isDefault());
  auto foreign = KJ_ASSERT_NONNULL(parseQdisc("qdisc htb 6d75: root refcnt 2 \n"));
  EXPECT_FALSE(foreign.isOurs() || foreign.isDefault());
  EXPECT_TRUE(parseQdisc("") == nullptr);
  EXPECT_TRUE(parseQdisc("qdisc ingress ffff: parent ffff:fff1 ----\n") == nullptr);
}

TEST(QdiscTest, ToolThatDoesNothingIsFound) {
  FakeNft fake;
  fake.become(FakeNft::Mode::kIdle);
  LinkSpec spec;
  spec.bitsPerSecond = 8'000;
  support::Failure failure = failureOf([&]() { Qdisc("eth0", fake.tool()).make(spec); });
  EXPECT_EQ(failure.kind, Kind::SYSTEM);
  EXPECT_THAT(failure.text.cStr(), HasSubstr("eth0 does not show it"));
}

TEST(QdiscTest, OnlyOursIsRemoved) {
  FakeNft fake;
  fake.putQdisc("eth0", "htb 1:");
  EXPECT_TRUE(Qdisc("eth0", fake.tool()).remove() == nullptr);
  EXPECT_EQ(fake.qdiscOf("eth0"), "htb 1:");
}

}  // namespace
}  // namespace nodeagent::netfault
