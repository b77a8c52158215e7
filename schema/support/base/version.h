// Which Muster this is.
#pragma once

namespace support {

// "MAJOR.MINOR.PATCH" of the project, as in CMakeLists.txt.
constexpr const char* kVersion = "0.1.0";

}  // namespace support
