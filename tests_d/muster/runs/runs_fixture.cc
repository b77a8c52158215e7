#include "tests_d/muster/runs/runs_fixture.h"

#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests_d/muster/support/shell.h"

namespace runs {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kRunMax{150};

}  // namespace

RunsTest::RunsTest() {
  char path[] = "/tmp/muster-runs-XXXXXX";
  directory_ = mkdtemp(path);
  programs_ = fs::read_symlink("/proc/self/exe").parent_path();
  muster_ = programs_ + "/muster";
  fs::create_directory(directory_ + "/bin");
  fs::create_symlink(programs_ + "/muster-test-broken", directory_ + "/bin/broken_tests");
}

RunsTest::~RunsTest() {
  fs::remove_all(directory_);
}

std::string RunsTest::shell() const {
  return "cd " + directory_ +
         "; unset MUSTER_RUN_DIR MUSTER_RUN_ID MUSTER_RECORD_OF MUSTER_CLUSTER "
         "MUSTER_PROGRAM_TIME MUSTER_CHECK_NODES; "
         "export BROKEN_DIRECTORY=" +
         directory_ + "; ";
}

Ended RunsTest::script(const std::string& text) const {
  int status = muster_tests::runShell(
                   "(" + shell() + text + ") >" + directory_ + "/o 2>" + directory_ + "/e", kRunMax)
                   .exitStatus;
  return {status, contentOf("o"), contentOf("e")};
}

std::string RunsTest::contentOf(const std::string& name) const {
  std::ostringstream text;
  text << std::ifstream(directory_ + "/" + name).rdbuf();
  return text.str();
}

}  // namespace runs
