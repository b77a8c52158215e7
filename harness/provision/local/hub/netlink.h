// Links and addresses of one network namespace, over rtnetlink: what `ip link` and `ip addr` do,
// without a fork.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "harness/os/fd.h"

namespace harness {

// Speaks to the network namespace that the calling thread was in when it was made. Every call waits
// for the kernel's answer; failures are SystemError with the link's name.
class Netlink {
 public:
  Netlink();

  int indexOf(const std::string& link);  // Throws if there is no such link.
  void makeBridge(const std::string& name);

  // Makes a pair of links. `name` is here, up, and a port of the bridge with this index; its peer
  // is `eth0`, down, in the network namespace of `peer`. Both ends go when either does.
  void makePair(const std::string& name, int bridgeIndex, pid_t peer);

  void setUp(int index);
  void addAddress(int index,
                  const std::string& address);  // "10.77.0.11/16" or "fd77::b/64"; usable at once.
  void removeLink(const std::string& name);     // What does not exist is no error.

 private:
  class Message;
  void send(Message& message, const std::string& attempt);

  Fd socket_;
  uint32_t sequence_ = 0;
};

}  // namespace harness
