// Tells what a function of a helper has thrown, and where.
//
// The linker puts our function before __cxa_throw (--wrap), which notes the stack of each throw: a
// handler finds only what is left of it. Both are found at the exception's own address.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace harness {

struct ThrownFrame {
  // In the file of the program, whatever address it is loaded at.
  uint64_t address = 0;

  // Names a function in a shared object, and the object. Empty: it is in the program.
  std::string name = {};
};

struct Thrown {
  std::string type;
  std::string message;
  std::vector<ThrownFrame> frames;
};

// Describes the exception that is being handled. Call it in a handler only.
Thrown currentThrown();

}  // namespace harness
