#include "harness/os/error.h"

#include <cerrno>
#include <cstring>

namespace harness {

SystemError::SystemError(const std::string& attempt, int number)
    : std::runtime_error(attempt + ": " + std::strerror(number)), number_(number) {}

void failSystem(const std::string& attempt, int number) {
  throw SystemError(attempt, number);
}

void failSystem(const std::string& attempt) {
  failSystem(attempt, errno);
}

int64_t check(int64_t result, const std::string& attempt) {
  if (result < 0) failSystem(attempt);
  return result;
}

}  // namespace harness
