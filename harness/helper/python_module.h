// The module muster_helper.py, which is brought to a node with each helper that is written in
// Python.
#pragma once

namespace harness::helper {

// Its whole text. CMake makes it from the file.
extern const char* const kPythonModule;

}  // namespace harness::helper
