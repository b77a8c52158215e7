// Makes a failure of a record out of where a program was (docs/reference/records.md).
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "harness/stacks/story.h"

namespace harness::stacks {

// Returns the fields of a fatal failure with this text, the place in the source and the stack.
nlohmann::json failureFields(const std::string& text, const Story& story);

}  // namespace harness::stacks
