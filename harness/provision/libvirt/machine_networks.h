// Says which networks this machine is on already.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace harness {

// Returns an address such as "10.78.5.1", whose first number is the highest byte. nullopt: the text
// is no IPv4 address.
std::optional<uint32_t> ipv4In(const std::string& text);

// Returns the interface of this machine that has an address of the network `subnet`.0/24, or of a
// larger one that holds it. Empty: there is none. Throws SystemError.
std::string interfaceOn(const std::string& subnet);

}  // namespace harness
