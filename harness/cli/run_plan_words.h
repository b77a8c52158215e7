// The text and the JSON by which `muster run --dry-run` shows a plan.
#pragma once

#include <string>

#include "harness/cli/run_plan.h"
#include "harness/cli/table.h"

namespace harness {

std::string planText(const RunPlan& plan);
Json planJson(const RunPlan& plan);

}  // namespace harness
