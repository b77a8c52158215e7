// Reads and writes fields for reports, whatever the bytes of nodes in them are.
#pragma once

#include <string>

#include "harness/run/fields.h"

namespace harness::report {

using run::isSet;
using run::Json;
using run::numberOf;
using run::textOf;
using run::textsOf;

// Returns JSON whose bytes are UTF-8 whatever the strings are.
inline std::string dumped(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace harness::report
