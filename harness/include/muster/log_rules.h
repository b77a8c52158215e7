// Says which logs a suite watches, and which lines in them make a test fail.
//
//   class ReplicaTest : public muster::ClusterTest {
//    public:
//     static muster::Logs logs() {
//       return {.sources = {"/var/log/kvd/*.log"},
//               .failOn = {{.pattern = "^(ERROR|FATAL)", .reason = "kvd reports what it lost"}},
//               .allow = {{.pattern = "ERROR: peer .* timed out", .reason = "issue 12",
//                          .expires = "2027-06-30"}}};
//     }
//   };
//
// Each test has a mark of every source at its beginning and at its end, on all nodes of its
// cluster. Lines between the two that match a rule of failOn, and none of allow, make it fail or
// warn. Of a test that fails for any reason, the lines are saved in the run's directory.
//
// What holds for every suite on a cluster stands under `logs` in its cluster file
// (docs/reference/cluster-file.md), in addition to these.
//
// The rules are data, and are judged without a node. Scopes within a test are in log_oracle.h.
//
// Things to get right:
//   * A rule is refused before the suite runs, with what would be right, if its pattern does not
//     compile, matches the empty string or matches lines of every kind; if it has no reason; or if
//     its day is over.
//   * A rule of allow that no line has matched in the whole program is reported at its end.
//   * Rules look at single lines, and never at clocks.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include <muster/log_slice.h>

namespace muster {

enum class LogSeverity {
  // The test fails.
  kFail,

  // The line is shown on standard error, and the test goes on as it was.
  kWarn,
};

struct LogRule {
  // Is a regular expression of RE2, found anywhere in the line.
  std::string pattern = {};

  // Is a pattern as of fnmatch(3) for the line's file, in which * matches slashes too. It is also
  // compared with units, and with "kernel".
  std::string files = "*";

  // Is such a pattern for the node's name.
  std::string nodes = "*";

  // Counts in failOn only.
  LogSeverity severity = LogSeverity::kFail;

  // Says why the rule is there. It is required.
  std::string reason = {};

  // Is the last day on which the rule holds, such as "2027-06-30". Empty means for ever.
  std::string expires = {};

  // In allow, a line is allowed only if this pattern has matched one of the `beforeLines` lines
  // before it, of the same file and the same test. Empty means that it is allowed in any case.
  std::string before = {};

  // Is from 1 to 1000.
  int beforeLines = 10;
};

// Belongs to a suite: hide ClusterTest::logs() with a function that returns it.
struct Logs {
  std::vector<LogSource> sources = {};
  std::vector<LogRule> failOn = {};
  std::vector<LogRule> allow = {};
};

// Print the pattern and the reason of a rule, and the sources, for gtest.
void PrintTo(const LogRule& rule, std::ostream* out);
void PrintTo(const Logs& logs, std::ostream* out);

}  // namespace muster
