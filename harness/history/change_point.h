// Says since when a test fails more or less often than before: the changes of its failure rate,
// each with the runs between which it began. A single failure is no change; transitions.h has
// those.
#pragma once

#include <cstddef>
#include <vector>

namespace harness::history {

// A change of the failure rate, in places of the sequence of runs.
struct ChangePoint {
  // The first run with the new rate is one from `first` to `last`, with 99 %. `likeliest` is the
  // one with the highest probability. None is 0.
  size_t first = 0;
  size_t last = 0;
  size_t likeliest = 0;

  // The shares of failures on both sides of `likeliest`, up to the next change or to the end.
  double before = 0;
  double after = 0;
};

// Returns the changes of a sequence of runs, where true is a failure, from the oldest to the
// newest.
//
// The model is that of A. F. M. Smith, "A Bayesian approach to inference about a change-point in a
// sequence of random variables", Biometrika 62 (1975), 407-416: runs before the change fail with
// one probability, those from it on with another one, both unknown. With Jeffreys' prior Beta(1/2,
// 1/2) of a probability, k failures among n runs have the marginal likelihood
//
//   m(k, n) = B(k + 1/2, n - k + 1/2) / B(1/2, 1/2)
//
// and the first run with the new rate is r, of 1 to n-1 with equal prior probabilities, with
//
//   P(r | runs) ∝ m(failures before r, r) · m(failures from r on, n - r)
//
// The interval leaves out 0.5 % of it at either side. There is a change if the mean of that product
// over all r is at least 10 times m(failures, n), which is strong evidence by the scale of
// H. Jeffreys, "Theory of Probability" (1961). Among 1000 constant sequences of 200 runs, fewer
// than 10 were found to have one. Further changes are sought at both sides of a change that was
// found.
std::vector<ChangePoint> changePointsOf(const std::vector<bool>& failures);

}  // namespace harness::history
