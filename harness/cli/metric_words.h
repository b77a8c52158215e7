// The words for metrics on the command line: the lines of a table that goes on.
#pragma once

#include <map>
#include <optional>
#include <string>

#include <muster/metric_series.h>

namespace harness {

// Makes the lines of one node's samples, one after the other. Rates are those since the sample
// before, so that the first lines have none.
class MetricLines {
 public:
  explicit MetricLines(std::string node) : node_(std::move(node)) {}

  // Returns the head of the table, with a newline.
  static std::string head();

  // Returns a line for the node, and one for each of its processes.
  std::string next(const muster::MetricSample& sample);

 private:
  std::string nodeLine(const muster::MetricSample& sample) const;
  std::string processLine(const muster::MetricSample& sample,
                          const muster::ProcessUsage& process) const;

  const std::string node_;
  std::optional<muster::MetricSample> before_;
};

}  // namespace harness
