// What the hub says to its callers, one line of JSON for each answer. Its texts hold what nodes
// wrote, and no bytes of theirs keep an answer from being made.
#pragma once

#include <exception>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace harness {

// Returns the answer's line with its newline. Texts that are not UTF-8 have U+FFFD in their places.
std::string lineOf(const nlohmann::json& answer);

// Returns the answer to a request that failed. The node and the kind are those of a HubError.
nlohmann::json refusalOf(const std::exception& error);

}  // namespace harness
