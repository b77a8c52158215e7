#include "harness/metrics/leaks.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "harness/metrics/growth.h"
#include "harness/metrics/rules.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace harness::metrics {
namespace {

using muster::LeakRule;
using muster::ProcessSeries;
using muster::ProcessUsage;

// A number of a process that a rule limits.
struct Limited {
  const char* name;
  std::optional<uint64_t> LeakRule::*max;
  std::optional<uint64_t> ProcessUsage::*value;
  std::string (*text)(double);
};

std::string averageText(double count) {
  char text[32];
  bool isWhole = count == std::round(count);
  std::snprintf(text, sizeof text, isWhole ? "%.0f" : "%.2f", count);
  return text;
}

constexpr Limited kLimited[] = {
    {"anonymous memory", &LeakRule::memoryBytesMax, &ProcessUsage::anonymousBytes, bytesText},
    {"open descriptors", &LeakRule::descriptorsMax, &ProcessUsage::descriptors, averageText},
    {"threads", &LeakRule::threadsMax, &ProcessUsage::threads, averageText},
};

std::vector<Measured> pointsOf(const ProcessSeries& process, const Limited& limited) {
  std::vector<Measured> points;
  for (const ProcessSeries::Point& point : process.points) {
    if (const auto& value = point.usage.*limited.value) {
      points.push_back({point.sinceBoot, static_cast<double>(*value)});
    }
  }
  return points;
}

std::string nameOf(const std::string& node, const ProcessSeries& process) {
  return "node " + node + ": process " + support::printable(process.name) + " (pid " +
         std::to_string(process.pid) + ")";
}

std::string leakText(const std::string& node, const ProcessSeries& process, const Limited& limited,
                     const Growth& growth, double max) {
  return nameOf(node, process) + " leaks: " + limited.name + " grew from " +
         limited.text(growth.first.value) + " to " + limited.text(growth.last.value) + " in " +
         durationText(growth.last.at - growth.first.at) + ", by " + limited.text(growth.growth) +
         " at the floor and " + limited.text(growth.perSecond) + " a second; at most " +
         limited.text(max) + " are allowed";
}

// What one rule found among the processes of a node.
struct Found {
  size_t processes = 0;
  size_t tooShort = 0;
  // An example of these.
  std::string example;
};

void judgeProcess(const LeakRule& rule, const std::string& node, const ProcessSeries& process,
                  const std::string& file, Found& found, LeakVerdict& verdict) {
  bool isTooShort = false;
  for (const Limited& limited : kLimited) {
    const auto& max = rule.*limited.max;
    if (!max) continue;
    auto limit = static_cast<double>(*max);
    Growth growth = judgeGrowth(pointsOf(process, limited), {limit, rule.warmUp});
    if (growth.verdict == Growth::Verdict::kGrows) {
      verdict.leaks.push_back(leakText(node, process, limited, growth, limit) +
                              "\n  series: " + file);
    }
    if (growth.verdict != Growth::Verdict::kTooFew) continue;
    isTooShort = true;
    found.example = "pid " + std::to_string(process.pid) + " has " + std::to_string(growth.points) +
                    " samples of " + limited.name;
  }
  if (isTooShort) ++found.tooShort;
}

std::string unjudgedText(const LeakRule& rule, const std::string& node, const Found& found) {
  std::string name = support::printable(rule.process);
  if (found.processes == 0) return "node " + node + ": no process " + name + " appeared";
  if (found.tooShort == 0) return "";
  return "node " + node + ": " + std::to_string(found.tooShort) + " of " +
         std::to_string(found.processes) + " processes " + name +
         " were not judged: " + found.example + " behind the warm-up of " +
         durationText(rule.warmUp) + ", at least " + std::to_string(kPointsMin) + " are needed";
}

}  // namespace

std::string bytesText(double bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (std::abs(bytes) >= 1000 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  int digits = unit == 0 || std::abs(bytes) >= 100 ? 0 : std::abs(bytes) >= 10 ? 1 : 2;
  char text[48];
  std::snprintf(text, sizeof text, "%.*f %s", digits, bytes, kUnits[unit]);
  return text;
}

LeakVerdict judgeLeaks(const muster::MetricRules& rules, const muster::MetricSeries& series,
                       const std::string& file) {
  LeakVerdict verdict;
  std::vector<ProcessSeries> processes = series.processes();
  for (const LeakRule& rule : rules.leaks) {
    // The name pattern of a rule may leave out this node.
    if (!isAbout(rule, series.node, rule.process)) continue;
    Found found;
    for (const ProcessSeries& process : processes) {
      if (!isAbout(rule, series.node, process.name)) continue;
      ++found.processes;
      judgeProcess(rule, series.node, process, file, found, verdict);
    }
    std::string text = unjudgedText(rule, series.node, found);
    if (!text.empty()) verdict.unjudged.push_back(text);
  }
  return verdict;
}

}  // namespace harness::metrics
