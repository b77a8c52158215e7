#include "harness/metrics/growth.h"

#include <algorithm>
#include <array>
#include <limits>

namespace harness::metrics {
namespace {

constexpr size_t kParts = 10;
constexpr double kRestShare = 0.25;

// The slope needs every pair, so it is taken of this many points at most.
constexpr size_t kSlopePointsMax = 300;

using Floors = std::array<double, kParts>;

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// A part that has no point, as in a series with a gap, has the floor of the part before it.
Floors floorsOf(const std::vector<Measured>& points) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  Floors floors;
  floors.fill(kNone);
  double begin = seconds(points.front().at);
  double length = seconds(points.back().at) - begin;
  for (const Measured& point : points) {
    auto part = static_cast<size_t>((seconds(point.at) - begin) / length * kParts);
    double& floor = floors[std::min(part, kParts - 1)];
    floor = std::min(floor, point.value);
  }
  for (size_t i = 1; i < kParts; ++i) {
    if (floors[i] == kNone) floors[i] = floors[i - 1];
  }
  return floors;
}

double greatestStep(const Floors& floors) {
  double greatest = 0;
  for (size_t i = 1; i < kParts; ++i) greatest = std::max(greatest, floors[i] - floors[i - 1]);
  return greatest;
}

double greatestFall(const Floors& floors) {
  double greatest = 0;
  double highest = floors.front();
  for (double floor : floors) {
    highest = std::max(highest, floor);
    greatest = std::max(greatest, highest - floor);
  }
  return greatest;
}

double senSlope(const std::vector<Measured>& points) {
  size_t step = points.size() / kSlopePointsMax + 1;
  std::vector<double> slopes;
  for (size_t i = 0; i < points.size(); i += step) {
    for (size_t j = i + step; j < points.size(); j += step) {
      double time = seconds(points[j].at - points[i].at);
      if (time > 0) slopes.push_back((points[j].value - points[i].value) / time);
    }
  }
  if (slopes.empty()) return 0;
  auto middle = slopes.begin() + static_cast<std::ptrdiff_t>(slopes.size() / 2);
  std::nth_element(slopes.begin(), middle, slopes.end());
  return *middle;
}

}  // namespace

Growth judgeGrowth(const std::vector<Measured>& all, const GrowthLimits& limits) {
  Growth growth;
  std::vector<Measured> points;
  for (const Measured& point : all) {
    if (point.at - all.front().at >= limits.warmUp) points.push_back(point);
  }
  growth.points = points.size();
  if (points.empty()) return growth;
  growth.first = points.front();
  growth.last = points.back();
  if (points.size() < kPointsMin || growth.last.at <= growth.first.at) return growth;
  Floors floors = floorsOf(points);
  growth.growth = floors.back() - floors.front();
  growth.perSecond = senSlope(points);
  double untilMiddle = floors[kParts / 2] - floors.front();
  double fromMiddle = floors.back() - floors[kParts / 2];
  bool grows = growth.growth > limits.growthMax &&
               growth.growth - greatestStep(floors) >= kRestShare * growth.growth &&
               fromMiddle >= kRestShare * untilMiddle &&
               greatestFall(floors) <= kRestShare * growth.growth;
  growth.verdict = grows ? Growth::Verdict::kGrows : Growth::Verdict::kStable;
  return growth;
}

}  // namespace harness::metrics
