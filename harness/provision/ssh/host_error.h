// HostError says which step of making or unmaking a node failed on its host.
#pragma once

#include <stdexcept>
#include <string>

namespace harness {

// Its text is "host HOST: STEP: …", with the last lines of ssh's errors and a remedy where one is
// known.
class HostError : public std::runtime_error {
 public:
  enum class Kind {
    // The host says why.
    kRefused,
    // ssh did not get there, or lost it.
    kUnreachable
  };

  HostError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}

  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// Returns what to do about a failure of ssh(1) that it has told in these words, or nothing where
// they are not known.
std::string remedyFor(const std::string& errors, const std::string& host);

// Returns the last three lines of what a program said, as one line for people.
std::string lastLines(const std::string& text);

}  // namespace harness
