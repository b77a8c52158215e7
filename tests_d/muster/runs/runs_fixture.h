// Runs the program of broken tests by `muster run` in a directory of the test's own.
#pragma once

#include <string>

#include <gtest/gtest.h>

namespace runs {

struct Ended {
  int status = -1;
  std::string out;
  std::string err;
};

class RunsTest : public ::testing::Test {
 protected:
  RunsTest();
  ~RunsTest() override;

  // The words before `muster` of a shell in the directory of the test.
  std::string shell() const;

  // Runs the text in such a shell.
  Ended script(const std::string& text) const;

  std::string contentOf(const std::string& name) const;

  Ended muster(const std::string& words) const { return script(muster_ + " " + words); }

  Ended run(const std::string& words) const { return muster("run --bin-dir bin --json " + words); }

  // What the latest run's report of a format says.
  std::string report(const std::string& format) const {
    return muster("report --format " + format).out;
  }

  std::string directory_;

  // The programs of this build, and the command among them.
  std::string programs_;
  std::string muster_;
};

}  // namespace runs
