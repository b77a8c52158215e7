// What the looks of one wait saw, told by its changes. Looks in succession that differ by nothing
// but durations are one entry.
//
//   at 0 s: "starting" (4 looks)
//   at 0.4 s: node n1: run: unreachable: gone (11 looks)
//
// It keeps the first and the last entries, so that a wait of any length has a bounded text.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace harness {

class LookHistory {
 public:
  // Notes what a look saw, `at` after the beginning of the wait.
  void note(std::string_view seen, std::chrono::nanoseconds at);

  // Returns the entries but the newest one, each on a line of its own with a newline before it.
  // Empty if all looks saw the same.
  std::string text() const;

 private:
  struct Entry {
    std::string seen;
    std::string compared;
    std::chrono::nanoseconds at{0};
    size_t looks = 0;
  };

  // The first entries, and behind them the last ones.
  std::deque<Entry> entries_;

  // The entries between those that are gone.
  size_t leftOut_ = 0;
};

}  // namespace harness
