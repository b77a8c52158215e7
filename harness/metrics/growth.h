// Judges whether a number that was measured again and again grows without end, as the memory of a
// process that leaks. It knows no processes.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace harness::metrics {

struct Measured {
  std::chrono::nanoseconds at{0};
  double value = 0;
};

struct GrowthLimits {
  double growthMax = 0;

  // Is left out at the beginning.
  std::chrono::nanoseconds warmUp{0};
};

struct Growth {
  enum class Verdict {
    kStable,
    kGrows,

    // There are fewer than kPointsMin points behind the warm-up, or no time passes between them.
    kTooFew,
  };
  Verdict verdict = Verdict::kTooFew;

  // The points behind the warm-up. What follows is about these; zero if there are none.
  size_t points = 0;
  Measured first;
  Measured last;

  // The growth of the least value, from the first part to the last. May be below zero.
  double growth = 0;

  // Is Sen's slope: the median of the slopes between all pairs of points.
  double perSecond = 0;
};

inline constexpr size_t kPointsMin = 20;

// Judges points in order of time.
//
// The points behind the warm-up are divided into ten parts of the same duration, and the least
// value of each is its floor. So a spike does not count, and of the saw-tooth of a garbage
// collector only what it leaves behind. The number grows if
//   1. the last floor is above the first by more than growthMax,
//   2. at least a quarter of that remains without the greatest step between two floors, so that a
//      single step is no growth,
//   3. it grew from the sixth floor to the last by at least a quarter of what it grew from the
//      first to the sixth, so that growth which ends is none, and
//   4. no floor is below an earlier one by more than a quarter of the growth, so that what is given
//      back late, as by a slow saw-tooth, is none.
//
// The floors are of Muster's own making. The slope is the estimate that is usual for software that
// ages, since outliers do not move it: P. K. Sen, "Estimates of the Regression Coefficient Based on
// Kendall's Tau", JASA 63 (1968), after H. Theil (1950), used for memory by S. Garg, A. van
// Moorsel, K. Vaidyanathan and K. Trivedi, "A Methodology for Detection and Estimation of Software
// Aging", ISSRE 1998. It is told, and does not decide: a single step in the middle has a slope too.
Growth judgeGrowth(const std::vector<Measured>& points, const GrowthLimits& limits);

}  // namespace harness::metrics
