// Says which version of the tests a run is of: the revision of the working directory's git
// repository, and whether files differ from it.
#pragma once

#include <nlohmann/json.hpp>

namespace harness::run {

// Returns an object with `revision`, `branch` and `dirty`; without fields if there is no repository
// or git(1) does not answer within 2 s.
nlohmann::json gitState();

}  // namespace harness::run
