#include "nodeagent/relay/frame.h"

#include <netinet/if_ether.h>
#include <netinet/in.h>

#include <algorithm>

namespace nodeagent::relay {
namespace {

using Bytes = kj::ArrayPtr<const kj::byte>;

constexpr size_t kTagBytes = 4;
constexpr size_t kIpv4BytesMin = 20;
constexpr size_t kIpv6Bytes = 40;
constexpr size_t kFragmentBytes = 8;
constexpr size_t kUdpBytes = 8;
constexpr size_t kTcpBytesMin = 20;
constexpr size_t kIcmpBytes = 8;
constexpr size_t kChecksumBytes = 2;
// More are no packet that anybody sends.
constexpr int kExtensionsMax = 8;

// The caller has looked that both bytes are there.
uint16_t numberAt(Bytes bytes, size_t at) {
  return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

// Where the header of the protocol above IP begins.
struct Segment {
  FrameRange range;
  uint8_t protocol = IPPROTO_NONE;
  // It is a later fragment, so no header is in it.
  bool isRest = false;
};

Segment segmentOfIpv4(Bytes frame, size_t at) {
  if (frame.size() < at + kIpv4BytesMin) return {};
  size_t headerBytes = static_cast<size_t>(frame[at] & 0xf) * 4;
  size_t end = at + numberAt(frame, at + 2);
  if (headerBytes < kIpv4BytesMin || end > frame.size()) return {};
  bool isRest = (numberAt(frame, at + 6) & 0x1fff) != 0;
  return {{at + headerBytes, end}, frame[at + 9], isRest};
}

Segment segmentOfIpv6(Bytes frame, size_t at) {
  if (frame.size() < at + kIpv6Bytes) return {};
  size_t end = at + kIpv6Bytes + numberAt(frame, at + 4);
  if (end > frame.size()) return {};
  Segment segment{{at + kIpv6Bytes, end}, frame[at + 6]};
  for (int i = 0; i < kExtensionsMax && !segment.isRest; ++i) {
    size_t& begin = segment.range.begin;
    bool isFragment = segment.protocol == IPPROTO_FRAGMENT;
    bool isExtension = segment.protocol == IPPROTO_HOPOPTS || segment.protocol == IPPROTO_ROUTING ||
                       segment.protocol == IPPROTO_DSTOPTS;
    if (!isFragment && !isExtension) break;
    if (begin + kFragmentBytes > end) return {};
    size_t bytes = isFragment ? kFragmentBytes : (size_t{frame[begin + 1]} + 1) * 8;
    segment.isRest = isFragment && (numberAt(frame, begin + 2) & 0xfff8) != 0;
    segment.protocol = frame[begin];
    begin += bytes;
  }
  return segment;
}

Segment segmentOf(Bytes frame) {
  size_t at = ETH_HLEN;
  if (frame.size() < at) return {};
  uint16_t type = numberAt(frame, at - 2);
  while (type == ETH_P_8021Q || type == ETH_P_8021AD) {
    at += kTagBytes;
    if (frame.size() < at) return {};
    type = numberAt(frame, at - 2);
  }
  if (type == ETH_P_IP) return segmentOfIpv4(frame, at);
  if (type == ETH_P_IPV6) return segmentOfIpv6(frame, at);
  return {};
}

// The header of a protocol, and where its checksum is.
struct Header {
  size_t bytes = 0;
  size_t checksumAt = 0;
};

Header headerOf(Bytes frame, const Segment& segment) {
  switch (segment.protocol) {
    case IPPROTO_TCP: {
      bool isWhole = segment.range.begin + kTcpBytesMin <= segment.range.end;
      size_t bytes = isWhole ? size_t{frame[segment.range.begin + 12]} / 16 * 4 : 0;
      return {std::max(bytes, kTcpBytesMin), 16};
    }
    case IPPROTO_UDP:
      return {kUdpBytes, 6};
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return {kIcmpBytes, 2};
    default:
      return {};
  }
}

}  // namespace

FrameRange contentOf(kj::ArrayPtr<const kj::byte> frame) {
  Segment segment = segmentOf(frame);
  if (segment.range.isEmpty()) return {};
  Header header = segment.isRest ? Header() : headerOf(frame, segment);
  FrameRange content = {segment.range.begin + header.bytes, segment.range.end};
  if (content.begin > content.end) return {};
  if (!content.isEmpty()) return content;
  size_t checksum = segment.range.begin + header.checksumAt;
  return {checksum, checksum + kChecksumBytes};
}

bool damage(kj::ArrayPtr<kj::byte> frame, uint64_t random) {
  FrameRange content = contentOf(frame);
  if (content.isEmpty()) return false;
  uint64_t bit = random % ((content.end - content.begin) * 8);
  frame[content.begin + bit / 8] ^= static_cast<kj::byte>(1u << bit % 8);
  return true;
}

}  // namespace nodeagent::relay
