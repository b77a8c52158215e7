#include "harness/history/change_point.h"

#include <algorithm>
#include <cmath>

namespace harness::history {
namespace {

constexpr double kTail = 0.005;

// The least quotient of both marginal likelihoods, as a logarithm.
const double kEvidenceLeast = std::log(10.0);

// std::lgamma writes a global variable, and the arguments here are whole numbers and halves.
double logGamma(double value) {
  int sign = 0;
  return ::lgamma_r(value, &sign);
}

double logBeta(double a, double b) {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

double logMarginal(size_t failures, size_t runs) {
  double k = static_cast<double>(failures);
  double n = static_cast<double>(runs);
  return logBeta(k + 0.5, n - k + 0.5) - logBeta(0.5, 0.5);
}

// What is known of the one change that a part of the sequence may have.
struct Posterior {
  // The logarithm of the quotient that speaks for a change.
  double evidence = 0;
  ChangePoint change = {};
};

class Finder {
 public:
  explicit Finder(const std::vector<bool>& failures) : sums_(failures.size() + 1, 0) {
    for (size_t i = 0; i < failures.size(); ++i) sums_[i + 1] = sums_[i] + (failures[i] ? 1 : 0);
  }

  // Collects the likeliest places of the changes in a part.
  void split(size_t begin, size_t end, std::vector<size_t>& places) const {
    if (end - begin < 2) return;
    Posterior found = posteriorOf(begin, end);
    if (found.evidence < kEvidenceLeast) return;
    split(begin, found.change.likeliest, places);
    places.push_back(found.change.likeliest);
    split(found.change.likeliest, end, places);
  }

  Posterior posteriorOf(size_t begin, size_t end) const {
    std::vector<double> logs;
    for (size_t r = begin + 1; r < end; ++r) logs.push_back(marginal(begin, r) + marginal(r, end));
    auto highest = std::max_element(logs.begin(), logs.end());
    double sum = 0;
    for (double log : logs) sum += std::exp(log - *highest);
    Posterior posterior;
    posterior.evidence =
        *highest + std::log(sum / static_cast<double>(logs.size())) - marginal(begin, end);
    ChangePoint& change = posterior.change;
    change.likeliest = begin + 1 + static_cast<size_t>(highest - logs.begin());
    change.first = 0;
    double below = 0;
    for (size_t i = 0; i < logs.size(); ++i) {
      below += std::exp(logs[i] - *highest) / sum;
      if (change.first == 0 && below > kTail) change.first = begin + 1 + i;
      change.last = begin + 1 + i;
      if (below >= 1 - kTail) break;
    }
    change.before = rate(begin, change.likeliest);
    change.after = rate(change.likeliest, end);
    return posterior;
  }

 private:
  double marginal(size_t begin, size_t end) const {
    return logMarginal(sums_[end] - sums_[begin], end - begin);
  }
  double rate(size_t begin, size_t end) const {
    return static_cast<double>(sums_[end] - sums_[begin]) / static_cast<double>(end - begin);
  }

  // The number of failures before each place.
  std::vector<size_t> sums_;
};

}  // namespace

// A change is found in a part that may hold others. Its interval is taken once they are known, from
// the runs between its neighbours.
std::vector<ChangePoint> changePointsOf(const std::vector<bool>& failures) {
  Finder finder(failures);
  std::vector<size_t> places;
  finder.split(0, failures.size(), places);
  std::vector<ChangePoint> changes;
  for (size_t i = 0; i < places.size(); ++i) {
    size_t begin = i == 0 ? 0 : places[i - 1];
    size_t end = i + 1 == places.size() ? failures.size() : places[i + 1];
    changes.push_back(finder.posteriorOf(begin, end).change);
  }
  return changes;
}

}  // namespace harness::history
