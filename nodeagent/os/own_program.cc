#include "nodeagent/os/own_program.h"

#include <unistd.h>

namespace nodeagent {

// A build or a package replaces the file of a program that runs. Where the path is a mount of the
// file, as on a local node, it leads to the program all the same.
std::string programOfLink(const std::string& link) {
  static const std::string kGone = " (deleted)";
  if (!link.ends_with(kGone) || ::access(link.c_str(), F_OK) == 0) return link;
  std::string path = link.substr(0, link.size() - kGone.size());
  return ::access(path.c_str(), X_OK) == 0 ? path : link;
}

std::string ownProgram() {
  char buffer[4096];
  ssize_t length = readlink("/proc/self/exe", buffer, sizeof buffer);
  return length <= 0 ? std::string() : programOfLink({buffer, static_cast<size_t>(length)});
}

}  // namespace nodeagent
