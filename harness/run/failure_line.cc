#include "harness/run/failure_line.h"

#include <algorithm>

#include "schema/support/base/text.h"

namespace harness::run {

std::string failureLine(std::string_view text) {
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line != "Failed") return support::printable(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return "";
}

}  // namespace harness::run
