// Foretells failures of tests that are known: by a bug, for a while, under conditions. A waiver
// changes no result; what it excuses is a record of its own (docs/reference/waivers.md).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/run/results.h"

namespace harness::verdict {

// A bound on a version, such as ">= 10.3".
struct VersionBound {
  // "<", "<=", "=", "!=", ">=" or ">".
  std::string comparison = {};
  std::string version = {};
};

struct Waiver {
  // Patterns of COMPONENT/SUITE.NAME with * and ?; one must match.
  std::vector<std::string> tests = {};
  std::string reason = {};
  std::string owner = {};

  // The last day on which it holds, such as "2027-06-30".
  std::string expires = {};

  // May be empty.
  std::string bug = {};

  // A text that the failure must contain. Empty: any failure is foretold.
  std::string failure = {};

  // The outcomes that it excuses.
  std::vector<run::Outcome> outcomes = {};

  // The versions under which it holds, by what they are of: "kernel", "agent", "muster", or the
  // name of a package of the product. All must hold on a node of the test.
  std::map<std::string, std::vector<VersionBound>> when = {};

  // A pass is a failure of the run: somebody has repaired the bug.
  bool isStrict = false;

  // No failure of the tests fails a run, whatever it is.
  bool isQuarantine = false;

  // FILE:LINE
  std::string place = {};
};

// What a waiver says of one test.
struct Exoneration {
  // COMPONENT/SUITE.NAME
  std::string test = {};

  // "waiver", "unexpected pass" or "probation", as records have it.
  std::string kind = {};
  std::string because = {};
  std::string bug = {};
  std::string owner = {};
  bool isStrict = false;
};

struct Waived {
  std::vector<Exoneration> exonerations = {};

  // Sentences about waivers that have expired, or that no test of the run has met.
  std::vector<std::string> notes = {};
};

// Reads a file of waivers. Throws support::ConfigError with file, line and column.
std::vector<Waiver> readWaivers(const std::string& path);

// Judges a run. `today` is a day such as "2027-06-30".
Waived judge(const std::vector<Waiver>& waivers, const run::RunRecord& record,
             const run::RunResult& result, const std::string& today);

// Tells whether a waiver is about the test COMPONENT/SUITE.NAME, whatever its conditions are.
bool isAbout(const Waiver& waiver, const std::string& test);

// Tells whether it holds no more on a day such as "2027-06-30".
bool hasExpired(const Waiver& waiver, const std::string& day);

// Compares versions by their numbers, and by their other parts as texts: "5.10" is above "5.9".
// Negative, zero or positive, as `one` is below, equal to or above `other`.
int compareVersions(const std::string& one, const std::string& other);

// Tells whether a text is what a pattern with * and ? describes.
bool matches(const std::string& pattern, const std::string& text);

// Returns the day in UTC.
std::string today();

}  // namespace harness::verdict
