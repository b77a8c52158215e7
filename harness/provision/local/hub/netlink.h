// Makes links and addresses in one network namespace, over rtnetlink, as `ip link` and `ip addr` do
// but without a fork.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "harness/os/fd.h"
#include "harness/provision/local/hub/mac_address.h"

namespace harness {

// Speaks to the network namespace that the calling thread was in when it was made. Every call waits
// for the kernel's answer; failures are SystemError with the link's name.
class Netlink {
 public:
  Netlink();

  // Throws if there is no such link.
  int indexOf(const std::string& link);

  // A bridge without an address of its own takes that of a port, and another one when the port
  // goes.
  void makeBridge(const std::string& name, const MacAddress& mac);

  // Makes a pair of links. `name` is here, up, and a port of the bridge with this index; its peer
  // is `eth0`, down, with the address `mac`, in the network namespace of `peer`. Both ends go when
  // either does.
  void makePair(const std::string& name, int bridgeIndex, pid_t peer, const MacAddress& mac);

  void setUp(int index);

  // Adds an address such as "10.77.0.11/16" or "fd77::b/64", which is usable at once.
  void addAddress(int index, const std::string& address);

  // A link that does not exist is no error.
  void removeLink(const std::string& name);

 private:
  class Message;
  void send(Message& message, const std::string& attempt);

  Fd socket_;
  uint32_t sequence_ = 0;
};

}  // namespace harness
