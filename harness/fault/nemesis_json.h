// Nemesis plans as JSON, which is how they are stored and passed on. All values are whole numbers
// and texts, so that a plan that was read is the plan that was written.
#pragma once

#include <string>

#include "harness/fault/nemesis_plan.h"

namespace harness::nemesis {

// Returns the plan, one step a line. Bytes of names and reasons that are not UTF-8 become U+FFFD.
std::string toJson(const Plan& plan);

// Throws PlanError, with what is too much and what would be right, for a plan that check() or
// planFromJson() would refuse once it is stored.
void requireReadable(const Plan& plan);

// Throws PlanError, with the place in the document, for anything but a plan that check() accepts.
Plan planFromJson(const std::string& text);

}  // namespace harness::nemesis
