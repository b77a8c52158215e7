// What the tests of `muster run` share: a directory with one test program in it, in which they run
// it.
#pragma once

#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "tests_d/muster/support/shell.h"

namespace runs {

struct Ended {
  int status = -1;
  std::string out;
  std::string err;
};

class RunDirectoryTest : public ::testing::Test {
 protected:
  // The program muster-test-NAME of this build becomes that of the component NAME. It finds
  // $BROKEN_DIRECTORY in its environment, which is the directory.
  explicit RunDirectoryTest(const std::string& name) {
    namespace fs = std::filesystem;
    char path[] = "/tmp/muster-runs-XXXXXX";
    directory_ = mkdtemp(path);
    programs_ = fs::read_symlink("/proc/self/exe").parent_path();
    muster_ = programs_ + "/muster";
    fs::create_directory(directory_ + "/bin");
    fs::create_symlink(programs_ + "/muster-test-" + name, directory_ + "/bin/" + name + "_tests");
  }
  ~RunDirectoryTest() override { std::filesystem::remove_all(directory_); }

  // The words before `muster` of a shell in the directory of the test.
  std::string shell() const {
    return "cd " + directory_ +
           "; unset MUSTER_RUN_DIR MUSTER_RUN_ID MUSTER_RECORD_OF MUSTER_CLUSTER "
           "MUSTER_PROGRAM_TIME MUSTER_CHECK_NODES; "
           "export BROKEN_DIRECTORY=" +
           directory_ + "; ";
  }

  Ended script(const std::string& text) const {
    constexpr std::chrono::seconds kRunMax{150};
    int status =
        muster_tests::runShell(
            "(" + shell() + text + ") >" + directory_ + "/o 2>" + directory_ + "/e", kRunMax)
            .exitStatus;
    return {status, contentOf("o"), contentOf("e")};
  }

  std::string contentOf(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(directory_ + "/" + name).rdbuf();
    return text.str();
  }

  Ended muster(const std::string& words) const { return script(muster_ + " " + words); }

  Ended run(const std::string& words) const { return muster("run --bin-dir bin --json " + words); }

  // What the latest run's report of a format says.
  std::string report(const std::string& format) const {
    return muster("report --format " + format).out;
  }

  std::string directory_;

  // Where the programs of this build are, and `muster` among them.
  std::string programs_;
  std::string muster_;
};

// Runs the program of broken tests.
class RunsTest : public RunDirectoryTest {
 protected:
  RunsTest() : RunDirectoryTest("broken") {}
};

}  // namespace runs
