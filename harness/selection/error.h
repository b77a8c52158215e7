// SelectionError says why tests cannot be listed or chosen. Which exit status that has is said by
// harness/cli/selection_words.h.
#pragma once

#include <stdexcept>
#include <string>

namespace harness::selection {

class SelectionError : public std::runtime_error {
 public:
  enum class Kind {
    // A selector is wrong, or selects nothing.
    kSelector,
    // Each selector selects something, and all together nothing.
    kNothing,
    // A file or a run that was named cannot be read.
    kInput,
    // What the tests say of themselves is wrong, or a program cannot list its tests.
    kTests,
  };

  SelectionError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

}  // namespace harness::selection
