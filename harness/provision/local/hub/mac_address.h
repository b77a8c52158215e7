// The MAC address of a node's interface. It is the same at every start of the node, as a machine's
// is: the neighbours of a node remember it for up to a minute, and reach nobody under an old one.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace harness {

using MacAddress = std::array<unsigned char, 6>;

// Returns a unicast and locally administered address. It ends with the first IPv4 address of
// `addresses`, which are of the form ADDRESS/PREFIX, and without one with `number`. Both are unique
// in a cluster, therefore it is. Clusters that share a network by mistake differ in another byte,
// which is made of the name.
MacAddress macAddressOf(const std::string& cluster, const std::vector<std::string>& addresses,
                        int number);

}  // namespace harness
