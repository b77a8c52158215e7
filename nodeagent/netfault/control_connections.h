// Tells by which of the node's addresses controllers are connected to the agent.
#pragma once

#include <stdint.h>

#include <set>
#include <string>

#include <kj/array.h>
#include <kj/string.h>

namespace nodeagent::netfault {

// Return the node's own addresses of established TCP connections to one of `ports`, and the
// addresses of an interface, both as support::hostText writes them. They read /proc and ask the
// kernel, so they belong on worker threads.
std::set<std::string> controlAddresses(kj::ArrayPtr<const uint16_t> ports);
std::set<std::string> addressesOf(kj::StringPtr interface);

// Reads the text of /proc/net/tcp or tcp6 for that. A port 0 stands for every port.
std::set<std::string> localAddressesIn(kj::StringPtr text, kj::ArrayPtr<const uint16_t> ports);

}  // namespace nodeagent::netfault
