// The two ends of a relay: the device to which the kernel turns frames over, and the socket by
// which they go on to the interface.
#pragma once

#include <stdint.h>

#include <string>

#include <kj/array.h>
#include <kj/common.h>
#include <kj/io.h>

namespace nodeagent::relay {

// A TAP device that has neither address nor route, so that nothing is sent by it but what is turned
// over to it. The kernel removes it with the object.
class Tap {
 public:
  // Makes the device and puts it up. Fails with kind unsupported (the node has no /dev/net/tun),
  // denied, conflict (there is one of this name).
  explicit Tap(const std::string& name);

  // Reads one frame into `buffer` and returns its part there; empty if there is none now. Never
  // blocks.
  kj::ArrayPtr<kj::byte> read(kj::ArrayPtr<kj::byte> buffer);

  int file() const { return file_; }

 private:
  kj::AutoCloseFd file_;
};

// Sends whole frames by one interface, and receives nothing.
class FrameSocket {
 public:
  // Packets get the mark `mark`. Fails with kind denied.
  FrameSocket(unsigned index, uint32_t mark);

  // Returns whether the interface took the frame. Blocks for a tenth of a second at most while it
  // has no space.
  bool send(kj::ArrayPtr<const kj::byte> frame);

 private:
  const unsigned index_;
  kj::AutoCloseFd socket_;
};

// Returns the six bytes of an Ethernet interface's address. Fails with kind notFound if there is
// none of this name, and unsupported if it is not of Ethernet.
kj::Array<kj::byte> ethernetAddressOf(const std::string& interface);

}  // namespace nodeagent::relay
