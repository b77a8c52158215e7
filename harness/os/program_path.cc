#include "harness/os/program_path.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace harness {
namespace {

namespace fs = std::filesystem;

bool isProgram(const std::string& path) {
  std::error_code error;
  return ::access(path.c_str(), X_OK) == 0 && !fs::is_directory(path, error);
}

}  // namespace

std::string programInPath(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    return isProgram(name) ? fs::absolute(name).string() : "";
  }
  const char* path = std::getenv("PATH");
  std::istringstream directories(path != nullptr ? path : "");
  for (std::string directory; std::getline(directories, directory, ':');) {
    std::string candidate = directory + "/" + name;
    if (isProgram(candidate)) return fs::absolute(candidate);
  }
  return "";
}

}  // namespace harness
