#include "tests_d/muster/support/test_program.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace muster_tests {

TestProgram::TestProgram(std::string name) : name_(std::move(name)) {
  char path[] = "/tmp/muster-run-XXXXXX";
  if (::mkdtemp(path) == nullptr) throw std::runtime_error("no directory for a run");
  directory_ = path;
}

TestProgram::~TestProgram() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

ShellResult TestProgram::run(const Call& call) const {
  std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / name_;
  return runShell("unset MUSTER_CLUSTER MUSTER_RUN_ID MUSTER_IGNORE_CRASHES MUSTER_PROGRAM_TIME; " +
                      call.environment + " MUSTER_RUN_DIR=" + directory_ + " " + program + " " +
                      call.arguments + call.behind,
                  std::chrono::seconds(120));
}

std::string TestProgram::content(const std::string& path) const {
  std::ostringstream text;
  text << std::ifstream(directory_ + "/" + path).rdbuf();
  return text.str();
}

}  // namespace muster_tests
