#include "nodeagent/os/own_program.h"

#include <unistd.h>

namespace nodeagent {

std::string ownProgram() {
  char buffer[4096];
  ssize_t length = readlink("/proc/self/exe", buffer, sizeof buffer);
  return length <= 0 ? std::string() : std::string(buffer, static_cast<size_t>(length));
}

}  // namespace nodeagent
