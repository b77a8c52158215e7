// Says since when a test takes longer or shorter than before. It compares medians, so that single
// slow runs change nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace harness::history {

struct DurationChange {
  // The place of the first run with the new duration.
  size_t at = 0;

  // The medians before it and from it on, in seconds.
  double before = 0;
  double after = 0;

  // The probability of such a change in a sequence without one.
  double probability = 1;
};

// Returns the change of a sequence of durations in seconds, from the oldest to the newest; nullopt:
// there is none.
//
// The test is that of A. N. Pettitt, "A non-parametric approach to the change-point problem",
// Applied Statistics 28 (1979), 126-135. With R_i the rank of duration i among all n,
//
//   U_t = 2 (R_1 + … + R_t) - t (n + 1),   K = max |U_t|,   p ≈ 2 exp(-6 K² / (n³ + n²))
//
// There is a change behind the first t with |U_t| = K if p is at most 1 %, and the medians of both
// sides differ by at least a fifth of the first one and by 10 ms: less than that interests nobody.
std::optional<DurationChange> durationChangeOf(const std::vector<double>& seconds);

// Returns the median; 0: there is no value.
double medianOf(std::vector<double> values);

}  // namespace harness::history
