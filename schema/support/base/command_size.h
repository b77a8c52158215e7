// States how large the arguments and the environment of a command may be. The agent checks what
// comes by it, and the controller what it is about to send, so that both refuse it in the same
// words and a request that is too large for a message is never sent.
#pragma once

#include <stddef.h>

namespace support {

constexpr size_t kArgumentsMax = 4096;
constexpr size_t kArgumentBytesMax = 1 << 20;
constexpr size_t kVariablesMax = 1024;
constexpr size_t kVariableBytesMax = 256 << 10;

// Bounds the input that goes with a command. A larger one is sent while the command runs.
constexpr size_t kInlineInputBytesMax = 256 << 10;

// Adds up one command. Each method fails with kind invalid where the command is too large.
class CommandSize {
 public:
  void expectArguments(size_t count);
  void addArgument(size_t bytes);
  void expectVariables(size_t count);
  void addVariable(size_t nameBytes, size_t valueBytes);

 private:
  size_t argumentBytes_ = 0;
  size_t variableBytes_ = 0;
};

}  // namespace support
