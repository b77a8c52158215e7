// The facts of a node as JSON for programs, and in a few lines for people.
#pragma once

#include <string>

#include <muster/facts.h>

#include "harness/cli/table.h"

namespace harness {

// Has the members of muster::Facts (facts.h), in snake case; durations are seconds, and times
// seconds since 1970. What is unknown is null or empty.
Json factsJson(const muster::Facts& facts);

// Returns lines such as "  kernel    6.1.0-18-amd64, x86_64, kvm", each with a newline.
std::string factsText(const muster::Facts& facts);

// "512 B", "1.5 GiB"
std::string sizeText(uint64_t bytes);

}  // namespace harness
