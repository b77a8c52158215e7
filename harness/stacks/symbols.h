// Says which functions and lines of source addresses of programs and libraries are. It asks
// addr2line of binutils, and reads the symbols of the file itself where that is missing or knows
// nothing. The program need not run any more.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "harness/stacks/stack_file.h"

namespace harness::stacks {

struct SourceFrame {
  // As C++ writes it. Empty: not known.
  std::string function = {};

  // The source from the root of its tree, as a test's own. Empty and 0: not known.
  std::string file = {};
  int line = 0;

  // The path of the program or library. Empty: the address is in none of them.
  std::string module = {};
  uint64_t offset = 0;
};

struct SymbolOptions {
  // The name of the program to ask, which is looked for in PATH.
  std::string program = "addr2line";

  // The time for all files together. What is not known then has no line.
  std::chrono::nanoseconds time = std::chrono::seconds(20);
};

// Returns the frames of source of each frame, at least one: what the compiler has inlined comes
// before the function that it was inlined into. Never throws: what is not known stays empty.
std::vector<std::vector<SourceFrame>> symbolise(const std::vector<RawFrame>& frames,
                                                const SymbolOptions& options = {});

// Returns the path of a source from the root of its tree: what a build below that root has written
// as BUILD/../../src/x.cc is src/x.cc. Other paths stay as they are.
std::string treePath(const std::string& file);

// Returns "0x" and the number in base 16.
std::string hexText(uint64_t number);

}  // namespace harness::stacks
