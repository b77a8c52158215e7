// How a command of `muster` fails: with an exit status and one line of text.
#pragma once

#include <stdexcept>
#include <string>

#include "schema/support/base/exit_status.h"

namespace harness {

using enum support::ExitStatus;

// Ends the command: the text goes to standard error, and the program ends with the status.
class CommandError : public std::runtime_error {
 public:
  CommandError(int status, const std::string& text) : std::runtime_error(text), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

}  // namespace harness
