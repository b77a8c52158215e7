// Makes memory that a trial shares with the agent under test by a file.
#pragma once

#include <cstddef>
#include <string>

namespace robustness {

// Maps `bytes` zeroes of the new file `path`. Throws std::runtime_error.
void* mapShared(const std::string& path, size_t bytes);

}  // namespace robustness
