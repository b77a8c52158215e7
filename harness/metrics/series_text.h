// Writes samples as JSON, and what processes used as a table for people.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <muster/metric_series.h>

namespace harness::metrics {

// Returns one sample as an object, with its process's numbers in `processes`. What the node could
// not read is absent. docs/reference/metrics.md has the keys.
nlohmann::ordered_json sampleJson(const std::string& node, const muster::MetricSample& sample);

// Returns the notes of a series as an object; null if there are none.
nlohmann::ordered_json notesJson(const muster::MetricSeries& series);

// Returns a line for each sample, and one for the notes, if there are any.
std::string jsonLines(const muster::MetricSeries& series);

// Returns a table of nodes and their processes: how much of the processors they used, and how
// memory, descriptors and threads began, peaked and ended. At most `linesMax` of them.
std::string summaryTable(const std::vector<muster::MetricSeries>& all, size_t linesMax);

}  // namespace harness::metrics
