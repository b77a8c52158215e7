// Looks whether a port of a host accepts connections from here.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace harness {

// Returns the first address of `addresses`, which are numeric, whose port accepts a connection, all
// being asked at the same time. nullopt: none did within `time`; then `*why` says what they
// answered.
std::optional<std::string> firstThatAnswers(const std::vector<std::string>& addresses,
                                            uint16_t port, std::chrono::seconds time,
                                            std::string* why);

// Returns the numeric addresses of a name or address; none if it is not known here.
std::vector<std::string> addressesOf(const std::string& host, std::chrono::seconds time);

}  // namespace harness
