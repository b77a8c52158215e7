#include "harness/history/flake_rate.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace harness::history {
namespace {

// The 97.5 % point of the normal distribution.
constexpr double kZ = 1.959963984540054;

}  // namespace

Rate wilson(size_t hits, size_t runs) {
  Rate rate{.hits = hits, .runs = runs};
  if (runs == 0) return rate;
  double n = static_cast<double>(runs);
  double p = static_cast<double>(hits) / n;
  double scale = 1 + kZ * kZ / n;
  double middle = (p + kZ * kZ / (2 * n)) / scale;
  double half = kZ * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n)) / scale;
  // Rounding must not exclude what was observed.
  rate.low = hits == 0 ? 0 : std::max(0.0, middle - half);
  rate.high = hits == runs ? 1 : std::min(1.0, middle + half);
  return rate;
}

Rate flakeRateOf(const std::vector<VersionedResult>& results) {
  std::set<std::string> passed;
  for (const VersionedResult& result : results) {
    if (result.verdict == Verdict::kPass) passed.insert(result.version);
  }
  size_t flaky = 0;
  size_t runs = 0;
  for (const VersionedResult& result : results) {
    if (result.verdict == Verdict::kNone) continue;
    ++runs;
    bool isContradicted = result.verdict == Verdict::kFail && passed.contains(result.version);
    if (result.isMixed || isContradicted) ++flaky;
  }
  return wilson(flaky, runs);
}

}  // namespace harness::history
