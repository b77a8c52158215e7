// The one loop in which the harness waits between two looks at a condition.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace harness {

// What came of looking again and again.
struct Looks {
  bool matched = false;
  unsigned count = 0;
  std::chrono::nanoseconds took{0};

  // The limit that was given.
  std::chrono::nanoseconds within{0};
};

// "3 looks within 5.0 s", with both limits if one was multiplied (wait_time.h).
std::string looksText(const Looks& looks);

// Calls `look` until it returns true, and for a last time when `within`, which --wait-multiplier
// stretches, is over. `every` lies
// between the beginnings of two looks. Calls made while looking end with `within`; those of the
// last look may take as long as the longest look before it, and a second. With `within` zero, the
// first look is the last. There is none behind the end of the enclosing DeadlineScope, except for
// the first. Throws NodeError kCancelled once scopes are cancelled (cancellation.h).
Looks lookAgain(const std::function<bool()>& look, std::chrono::nanoseconds within,
                std::chrono::nanoseconds every);

}  // namespace harness
