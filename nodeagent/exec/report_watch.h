// Looks for the report of a sanitizer in what a program writes to standard error, and keeps its
// beginning. It knows AddressSanitizer, its kin, and the lines of UndefinedBehaviorSanitizer.
#pragma once

#include <stddef.h>

#include <string>
#include <string_view>

namespace nodeagent::exec {

class ReportWatch {
 public:
  static constexpr size_t kReportBytesMax = 8 << 10;

  // Takes the next bytes of the stream.
  void look(std::string_view bytes);

  // Returns the report from the line on that tells it from other output; empty if there was none.
  const std::string& report() const { return report_; }

 private:
  // The end of the stream, in which a report may have begun.
  std::string last_;
  std::string report_;
};

// Returns where the line begins by which a report shows itself; npos if `text` has none. A report
// is a line such as "==42==ERROR: AddressSanitizer: heap-use-after-free", "WARNING:
// ThreadSanitizer: data race" and "x.cc:7:3: runtime error: signed integer overflow".
size_t findReport(std::string_view text);

}  // namespace nodeagent::exec
