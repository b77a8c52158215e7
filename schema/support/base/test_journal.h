// The journal of a test program says what it has begun and ended so far. A parent reads it that has
// to report about a program that did not live to write its own report.
//
// The program appends one line for each event at once, so that the journal is whole up to the
// moment of a kill. A last line that was cut is left out.
#pragma once

#include <string>
#include <vector>

namespace support {

// The environment variable with the path of the journal. Unset or empty: nobody wants one.
inline constexpr char kTestJournalVariable[] = "MUSTER_TEST_JOURNAL";

struct TestRecord {
  enum class Result {
    // The test had begun and not ended.
    kRunning,
    kPassed,
    kSkipped,
    kFailed,
  };

  std::string suite;
  std::string name;
  Result result = Result::kRunning;
  double seconds = 0;

  // The texts of the failures, or the reason to skip. At most kTestTextBytesMax are kept.
  std::string text;
};

constexpr size_t kTestTextBytesMax = 64 << 10;

struct TestJournal {
  // In the order in which they began.
  std::vector<TestRecord> tests;

  // The program has run all of its tests.
  bool isComplete = false;
};

// The lines, each with its newline: a test begins, it ends with the result of `record`, and all
// tests are over.
std::string beginLine(const std::string& suite, const std::string& name);
std::string endLine(const TestRecord& record);
std::string completeLine();

// Reads a journal. Lines that are none of the above are left out.
TestJournal parseTestJournal(const std::string& journal);

}  // namespace support
