// Tells which Muster this is.
#pragma once

namespace support {

// The project's version, "MAJOR.MINOR.PATCH", as in CMakeLists.txt.
constexpr const char* kVersion = "0.1.0";

}  // namespace support
