#include "harness/history/duration_change.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace harness::history {
namespace {

constexpr double kProbabilityMost = 0.01;
constexpr double kShareLeast = 0.2;
constexpr double kSecondsLeast = 0.01;

// Equal values share the mean of their ranks.
std::vector<double> ranksOf(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](size_t one, size_t other) { return values[one] < values[other]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    double mean = static_cast<double>(begin + end + 1) / 2;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = mean;
  }
  return ranks;
}

}  // namespace

double medianOf(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::optional<DurationChange> durationChangeOf(const std::vector<double>& seconds) {
  double n = static_cast<double>(seconds.size());
  std::vector<double> ranks = ranksOf(seconds);
  double sum = 0;
  double highest = 0;
  DurationChange change;
  for (size_t i = 0; i + 1 < seconds.size(); ++i) {
    sum += ranks[i];
    double u = std::abs(2 * sum - static_cast<double>(i + 1) * (n + 1));
    if (u <= highest) continue;
    highest = u;
    change.at = i + 1;
  }
  if (change.at == 0) return std::nullopt;
  auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(change.at);
  change.before = medianOf({seconds.begin(), middle});
  change.after = medianOf({middle, seconds.end()});
  change.probability = std::min(1.0, 2 * std::exp(-6 * highest * highest / (n * n * n + n * n)));
  double difference = std::abs(change.after - change.before);
  bool isLarge = difference >= kShareLeast * change.before && difference >= kSecondsLeast;
  if (change.probability > kProbabilityMost || !isLarge) return std::nullopt;
  return change;
}

}  // namespace harness::history
