// SystemError says how a call to the operating system failed. Errors of nodes and clusters are
// their rooms' own.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace harness {

// A system call failed, or the machine is not as it must be. The text names the attempt and the
// answer.
class SystemError : public std::runtime_error {
 public:
  explicit SystemError(const std::string& text) : std::runtime_error(text) {}
  SystemError(const std::string& attempt, int number);

  // The errno of the call; 0: there was none.
  int number() const { return number_; }

 private:
  int number_ = 0;
};

// Throws SystemError "attempt: text of the errno".
[[noreturn]] void failSystem(const std::string& attempt, int number);
// Takes the number from errno.
[[noreturn]] void failSystem(const std::string& attempt);

// Returns `result` unless it is negative, then throws as failSystem does.
int64_t check(int64_t result, const std::string& attempt);

}  // namespace harness
