// Says how often a test is flaky: how often one version of the product has it both pass and fail.
// A change from version to version is none of its business (change_point.h).
#pragma once

#include <string>
#include <vector>

#include "harness/history/verdict.h"

namespace harness::history {

// A share of runs, with an interval that holds the true share with 95 %.
struct Rate {
  size_t hits = 0;
  size_t runs = 0;

  double share() const { return runs == 0 ? 0 : double(hits) / double(runs); }

  // From 0 to 1. Without runs, they are 0 and 1.
  double low = 0;
  double high = 1;
};

// Returns the rate with its interval by E. B. Wilson, "Probable inference, the law of succession,
// and statistical inference", Journal of the American Statistical Association 22 (1927), 209-212:
//
//   (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)    with p = hits / n and z = 1.96
//
// It stays within 0 and 1, and says something for no hits in few runs: 0 of 10 is at most 28 %.
Rate wilson(size_t hits, size_t runs);

// One run of a test.
struct VersionedResult {
  // What was tested: two runs of one text had the same sources and the same product.
  std::string version = {};
  Verdict verdict = Verdict::kNone;

  // An attempt failed and another one passed.
  bool isMixed = false;
};

// Returns the share of flaky runs among those with a verdict. A run is flaky if its attempts were
// mixed, or if it failed while another run of its version passed.
Rate flakeRateOf(const std::vector<VersionedResult>& results);

}  // namespace harness::history
