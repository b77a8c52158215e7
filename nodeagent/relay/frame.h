// Says which bytes of an Ethernet frame are the content of a packet, and damages one bit of them.
// Nothing here sends or receives.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <kj/array.h>

namespace nodeagent::relay {

// Bytes of a frame, from the first to the one behind the last.
struct FrameRange {
  size_t begin = 0;
  size_t end = 0;

  bool isEmpty() const { return begin >= end; }
};

// Returns what lies behind the headers of IPv4 or IPv6 and of TCP, UDP or ICMP. A packet without
// content has its checksum there instead, so that damage is seen by its receiver. Of a protocol
// that is not known, and of a fragment that is not the first, it is all behind the header of IP.
// Empty: the frame is none of IP, or it is cut short.
FrameRange contentOf(kj::ArrayPtr<const kj::byte> frame);

// Inverts the bit of the content that `random` chooses. Returns false, and changes nothing, if
// there is no content.
bool damage(kj::ArrayPtr<kj::byte> frame, uint64_t random);

}  // namespace nodeagent::relay
