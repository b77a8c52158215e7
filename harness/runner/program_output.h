// Keeps what one process of a test program prints in a file of the run, and finds what it has
// printed while a test ran. Output beyond a bound is counted and dropped.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include "harness/run/record_writer.h"

namespace harness::runner {

class ProgramOutputFile {
 public:
  // The file is made with the first byte.
  explicit ProgramOutputFile(std::string path) : path_(std::move(path)) {}

  void append(std::string_view bytes);

  // Returns the lines of a test between gtest's marks, or from its first mark on: the last 16 KiB.
  std::string ofTest(const std::string& name) const;

  // Returns the last of what was printed, whatever it belongs to.
  std::string last() const;

  // Records the file as an artifact of the program's item, and what it lacks.
  void note(run::RecordWriter& writer, const std::string& item) const;

 private:
  std::string path_;
  std::ofstream file_;
  uint64_t written_ = 0;
  uint64_t dropped_ = 0;
  bool hasFailed_ = false;

  // The last of what was printed, in which the tests are looked for.
  std::string tail_;
};

}  // namespace harness::runner
