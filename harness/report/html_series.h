// Reads recorded metrics of a node (docs/reference/metrics.md) as the small plots of the HTML
// report's timeline. A file that is damaged has the plots of its lines that can be read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "harness/report/fields.h"

namespace harness::report {

// Returns a list of `name`, `unit` and `points` ([nanoseconds, value]), and in `thinned` how many
// points were left out. `timeOf` makes nanoseconds of the node's wall clock into those since the
// run's begin. Empty: there are no samples.
Json seriesOf(const std::string& content, const std::function<int64_t(int64_t)>& timeOf);

}  // namespace harness::report
