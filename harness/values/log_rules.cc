#include <ostream>

#include <muster/log_rules.h>

#include "harness/values/failure_text.h"

namespace muster {

void PrintTo(const LogRule& rule, std::ostream* out) {
  *out << "rule " << harness::inQuotes(rule.pattern) << " (" << rule.reason << ")";
}

void PrintTo(const Logs& logs, std::ostream* out) {
  *out << logs.sources.size() << " sources, " << logs.failOn.size() << " rules that fail, "
       << logs.allow.size() << " that allow";
  for (const LogSource& source : logs.sources) {
    *out << "\n  ";
    PrintTo(source, out);
  }
}

}  // namespace muster
