// Judges by a suite's rules which processes of a node's series leak.
#pragma once

#include <string>
#include <vector>

#include <muster/metric_rules.h>
#include <muster/metric_series.h>

namespace harness::metrics {

struct LeakVerdict {
  // A text for each limit that a process has broken: node, process, pid, first and last values,
  // slope, and the file.
  std::vector<std::string> leaks;

  // A sentence for each rule, and what it could not judge on the node: a process that never
  // appeared, or that has too few samples.
  std::vector<std::string> unjudged;
};

// `file` is the path of the series, for the texts. The rules must have no problem.
LeakVerdict judgeLeaks(const muster::MetricRules& rules, const muster::MetricSeries& series,
                       const std::string& file);

// "512 B", "12.3 KiB", "1.50 GiB": three significant digits.
std::string bytesText(double bytes);

}  // namespace harness::metrics
