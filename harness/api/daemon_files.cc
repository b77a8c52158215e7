#include "harness/api/daemon_files.h"

#include <cstdlib>
#include <sstream>

#include "harness/values/failure_text.h"

namespace harness {
namespace {

// Replaces the specifiers of a core_pattern. Those whose value only the kernel knows match any
// text.
std::string expanded(const std::string& pattern, int pid, bool* hasPid) {
  std::string text;
  for (size_t i = 0; i < pattern.size(); ++i) {
    char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (pattern[i] != '%') {
      if (std::string("*?[\\").find(pattern[i]) != std::string::npos) text += '\\';
      text += pattern[i];
      continue;
    }
    ++i;
    if (next == '%') {
      text += '%';
    } else if (next == 'p') {
      *hasPid = true;
      text += std::to_string(pid);
    } else if (next != '\0') {
      text += '*';
    }
  }
  return text;
}

}  // namespace

bool hasListener(const std::string& table, uint16_t port) {
  std::istringstream lines(table);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string number;
    std::string local;
    std::string remote;
    std::string state;
    fields >> number >> local >> remote >> state;
    size_t colon = local.rfind(':');
    if (state != "0A" || colon == std::string::npos) continue;
    if (std::strtoul(local.c_str() + colon + 1, nullptr, 16) == port) return true;
  }
  return false;
}

CorePlace corePlace(const std::string& pattern, CorePid added, const std::string& directory,
                    int pid) {
  CorePlace place;
  std::string line = pattern.substr(0, pattern.find('\n'));
  if (line.empty()) {
    place.problem = "its core_pattern is empty, so the kernel writes none";
    return place;
  }
  if (line[0] == '|') {
    place.problem = "its core_pattern gives cores to a program: " + inQuotes(line);
    return place;
  }
  size_t slash = line.rfind('/');
  std::string parent = slash == std::string::npos ? "" : line.substr(0, slash);
  if (parent.find('%') != std::string::npos) {
    place.problem =
        "its core_pattern has directories that only the kernel knows: " + inQuotes(line);
    return place;
  }
  bool isAbsolute = line[0] == '/';
  place.directory = isAbsolute ? (parent.empty() ? "/" : parent)
                               : directory + (parent.empty() ? "" : "/" + parent);
  bool hasPid = false;
  place.name = expanded(line.substr(slash == std::string::npos ? 0 : slash + 1), pid, &hasPid);
  if (added == CorePid::kAdded && !hasPid) place.name += "." + std::to_string(pid);
  return place;
}

}  // namespace harness
