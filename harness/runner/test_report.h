// The reports of test programs, in the XML that gtest writes: gtest's own, and ours where a program
// did not live to write one, or wrote it for somebody else.
#pragma once

#include <optional>
#include <string>

#include "schema/support/base/test_journal.h"

namespace harness {

// The numbers of a report.
struct Report {
  // Without disabled ones.
  int tests = 0;
  int failures = 0;
  int skipped = 0;

  // There are failures outside of tests, which no test case shows.
  bool errors = false;
};

// Reads gtest's report. nullopt: there is none, or it was cut.
std::optional<Report> readReport(const std::string& path);

// Returns the numbers of a report that is made of a journal.
Report reportOf(const support::TestJournal& journal);

// Writes a report that is made of a journal. `problem` tells what became of the program, and is
// the error of the test that was running, or of a test case that stands for the whole program if
// none was. Empty: there was none. Throws SystemError.
void writeReport(const std::string& path, const std::string& component,
                 const support::TestJournal& journal, const std::string& problem);

}  // namespace harness
