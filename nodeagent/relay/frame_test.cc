// Whether damage meets the content of packets and never a header by which they find their way.
#include "nodeagent/relay/frame.h"

#include <netinet/in.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace nodeagent::relay {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Bytes ethernet(uint16_t type) {
  return Bytes(12, 0x02) + Bytes{static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type)};
}

Bytes ipv4(uint8_t protocol, size_t contentBytes, uint16_t fragment = 0) {
  auto total = static_cast<uint16_t>(20 + contentBytes);
  Bytes header(20);
  header[0] = 0x45;
  header[2] = static_cast<uint8_t>(total >> 8);
  header[3] = static_cast<uint8_t>(total);
  header[6] = static_cast<uint8_t>(fragment >> 8);
  header[7] = static_cast<uint8_t>(fragment);
  header[9] = protocol;
  return ethernet(0x0800) + header;
}

Bytes ipv6(uint8_t next, size_t contentBytes) {
  Bytes header(40);
  header[0] = 0x60;
  header[5] = static_cast<uint8_t>(contentBytes);
  header[6] = next;
  return ethernet(0x86dd) + header;
}

Bytes tcp(uint8_t words) {
  Bytes header(size_t{words} * 4);
  header[12] = static_cast<uint8_t>(words << 4);
  return header;
}

std::string contentIn(const Bytes& frame) {
  FrameRange range = contentOf(kj::arrayPtr(frame.data(), frame.size()));
  return std::to_string(range.begin) + "-" + std::to_string(range.end);
}

TEST(FrameContentTest, LiesBehindTheHeadersOfIpv4) {
  EXPECT_EQ(contentIn(ipv4(IPPROTO_UDP, 8 + 5) + Bytes(13)), "42-47");
  EXPECT_EQ(contentIn(ipv4(IPPROTO_TCP, 32 + 5) + tcp(8) + Bytes(5)), "66-71");
  EXPECT_EQ(contentIn(ipv4(IPPROTO_ICMP, 8 + 56) + Bytes(64)), "42-98");
  EXPECT_EQ(contentIn(ipv4(IPPROTO_SCTP, 30) + Bytes(30)), "34-64");
}

TEST(FrameContentTest, LiesBehindTheHeadersOfIpv6) {
  EXPECT_EQ(contentIn(ipv6(IPPROTO_UDP, 8 + 5) + Bytes(13)), "62-67");
  // Options for each hop, of 16 bytes, and then TCP.
  Bytes options(16);
  options[0] = IPPROTO_TCP;
  options[1] = 1;
  EXPECT_EQ(contentIn(ipv6(IPPROTO_HOPOPTS, 16 + 20 + 5) + options + tcp(5) + Bytes(5)), "90-95");
}

TEST(FrameContentTest, IsAllOfALaterFragment) {
  EXPECT_EQ(contentIn(ipv4(IPPROTO_UDP, 40, 185) + Bytes(40)), "34-74");
  EXPECT_EQ(contentIn(ipv4(IPPROTO_UDP, 40, 0x2000) + Bytes(40)), "42-74") << "it is the first";
  Bytes later = {IPPROTO_UDP, 0, 0x05, 0xa8, 0, 0, 0, 1};
  EXPECT_EQ(contentIn(ipv6(IPPROTO_FRAGMENT, 8 + 40) + later + Bytes(40)), "62-102");
}

// The padding of a short frame is not part of the packet.
TEST(FrameContentTest, IsTheChecksumOfAPacketWithout) {
  EXPECT_EQ(contentIn(ipv4(IPPROTO_UDP, 8) + Bytes(8 + 18)), "40-42");
  EXPECT_EQ(contentIn(ipv4(IPPROTO_TCP, 20) + tcp(5) + Bytes(6)), "50-52");
  EXPECT_EQ(contentIn(ipv4(IPPROTO_ICMP, 8) + Bytes(8)), "36-38");
}

TEST(FrameContentTest, TagsArePassedOver) {
  Bytes frame = ipv4(IPPROTO_UDP, 8 + 5) + Bytes(13);
  Bytes tag = {0x81, 0x00, 0x00, 0x05};
  frame.insert(frame.begin() + 12, tag.begin(), tag.end());
  EXPECT_EQ(contentIn(frame), "46-51");
}

TEST(FrameContentTest, OthersHaveNone) {
  EXPECT_EQ(contentIn({}), "0-0");
  EXPECT_EQ(contentIn(Bytes(13)), "0-0");
  EXPECT_EQ(contentIn(ethernet(0x0806) + Bytes(28)), "0-0");
  EXPECT_EQ(contentIn(ipv4(IPPROTO_UDP, 13) + Bytes(12)), "0-0") << "it is cut short";
  EXPECT_EQ(contentIn(ipv4(IPPROTO_TCP, 10) + Bytes(10)), "0-0") << "no whole header";
}

// Every frame that is cut off somewhere is looked at without a byte behind its end.
TEST(FrameContentTest, FramesThatAreCutShortAreNoPackets) {
  Bytes options(16);
  options[0] = IPPROTO_TCP;
  options[1] = 1;
  Bytes whole = ipv6(IPPROTO_HOPOPTS, 16 + 20 + 5) + options + tcp(5) + Bytes(5);
  for (size_t size = 0; size < whole.size(); ++size) {
    Bytes part(whole.begin(), whole.begin() + static_cast<long>(size));
    EXPECT_EQ(contentIn(part), "0-0") << size;
  }
}

TEST(FrameDamageTest, InvertsOneBitOfTheContent) {
  const Bytes before = ipv4(IPPROTO_UDP, 8 + 5) + Bytes(13);
  for (uint64_t random = 0; random < 200; ++random) {
    Bytes after = before;
    ASSERT_TRUE(damage(kj::arrayPtr(after.data(), after.size()), random));
    int bits = 0;
    for (size_t i = 0; i < after.size(); ++i) {
      int changed = __builtin_popcount(before[i] ^ after[i]);
      EXPECT_TRUE(changed == 0 || i >= 42) << "byte " << i;
      bits += changed;
    }
    EXPECT_EQ(bits, 1);
  }
  Bytes other = ethernet(0x0806) + Bytes(28);
  EXPECT_FALSE(damage(kj::arrayPtr(other.data(), other.size()), 7));
}

}  // namespace
}  // namespace nodeagent::relay
