#include "harness/provision/programs.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "harness/os/program_path.h"

// Where this package was installed. A program that was built against an installed Muster defines
// it; see .cmake/muster-config.cmake.in. Elsewhere its address is null.
extern "C" [[gnu::weak]] const char* const musterInstalledPrograms;

namespace harness {

std::vector<std::string> programDirectories() {
  std::vector<std::string> directories;
  if (const char* chosen = std::getenv("MUSTER_BIN_DIR")) directories.push_back(chosen);
  std::error_code error;
  std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) directories.push_back(self.parent_path());
  if (&musterInstalledPrograms != nullptr) directories.push_back(musterInstalledPrograms);
  directories.insert(directories.end(), {"/usr/local/bin", "/usr/bin"});
  return directories;
}

std::string findProgram(const std::string& name) {
  for (const std::string& directory : programDirectories()) {
    std::string candidate = directory + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return std::filesystem::absolute(candidate);
  }
  return programInPath(name);
}

}  // namespace harness
