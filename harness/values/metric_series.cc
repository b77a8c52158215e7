#include <algorithm>
#include <map>
#include <ostream>
#include <utility>

#include <muster/metric_rules.h>
#include <muster/metric_series.h>

#include "harness/values/failure_text.h"

namespace muster {

uint64_t ProcessSeries::peakAnonymousBytes() const {
  uint64_t peak = 0;
  for (const Point& point : points) peak = std::max(peak, point.usage.anonymousBytes.value_or(0));
  return peak;
}

std::optional<double> ProcessSeries::cpuShare() const {
  if (points.size() < 2) return std::nullopt;
  const auto& first = points.front().usage.cpu;
  const auto& last = points.back().usage.cpu;
  std::chrono::duration<double> time = points.back().sinceBoot - points.front().sinceBoot;
  if (!first || !last || time.count() <= 0) return std::nullopt;
  return std::chrono::duration<double>(*last - *first).count() / time.count();
}

std::vector<ProcessSeries> MetricSeries::processes() const {
  std::vector<ProcessSeries> all;
  std::map<std::pair<int, uint64_t>, size_t> places;
  for (const MetricSample& sample : samples) {
    for (const ProcessUsage& usage : sample.processes) {
      auto [place, isNew] = places.emplace(std::pair(usage.pid, usage.startTicks), all.size());
      if (isNew) all.push_back({usage.pid, usage.name, {}});
      all[place->second].points.push_back({sample.sinceBoot, usage});
    }
  }
  return all;
}

std::optional<double> cpuShare(const MetricSample& before, const MetricSample& after) {
  const NodeUsage& first = before.node;
  const NodeUsage& last = after.node;
  if (!first.busy || !first.idle || !last.busy || !last.idle) return std::nullopt;
  auto busy = *last.busy - *first.busy;
  auto all = busy + (*last.idle - *first.idle);
  if (busy.count() < 0 || all.count() <= 0) return std::nullopt;
  return std::min(1.0, std::chrono::duration<double>(busy) / std::chrono::duration<double>(all));
}

std::optional<double> ratePerSecond(std::optional<uint64_t> before, std::optional<uint64_t> after,
                                    std::chrono::nanoseconds time) {
  if (!before || !after || *after < *before || time.count() <= 0) return std::nullopt;
  return static_cast<double>(*after - *before) / std::chrono::duration<double>(time).count();
}

void PrintTo(const ProcessSeries& series, std::ostream* out) {
  *out << series.name << " (pid " << series.pid << "), " << series.points.size() << " samples";
}

void PrintTo(const MetricSeries& series, std::ostream* out) {
  *out << "node " << series.node << ", " << series.samples.size() << " samples";
  for (const ProcessSeries& process : series.processes()) {
    *out << "\n  ";
    PrintTo(process, out);
  }
  for (const std::string& note : series.notes) *out << "\n  " << note;
}

void PrintTo(const LeakRule& rule, std::ostream* out) {
  *out << "rule for " << harness::inQuotes(rule.process);
  if (rule.memoryBytesMax) *out << ", " << *rule.memoryBytesMax << " bytes";
  if (rule.descriptorsMax) *out << ", " << *rule.descriptorsMax << " descriptors";
  if (rule.threadsMax) *out << ", " << *rule.threadsMax << " threads";
}

void PrintTo(const MetricRules& rules, std::ostream* out) {
  *out << "every " << harness::durationText(rules.interval);
  for (const std::string& name : rules.processes) *out << "\n  " << harness::inQuotes(name);
  for (const LeakRule& rule : rules.leaks) {
    *out << "\n  ";
    PrintTo(rule, out);
  }
}

}  // namespace muster
