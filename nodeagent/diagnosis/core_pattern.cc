#include "nodeagent/diagnosis/core_pattern.h"

#include <kj/string.h>

#include "nodeagent/os/read_file.h"

namespace nodeagent::diagnosis {
namespace {

constexpr size_t kSettingBytesMax = 4096;

// Replaces the specifiers by "*": only the kernel knows the values of most.
std::string globOf(const std::string& pattern, bool* hasSpecifier, bool* hasPid) {
  std::string glob;
  for (size_t i = 0; i < pattern.size(); ++i) {
    char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (pattern[i] != '%') {
      bool isSpecial = std::string("*?[\\").find(pattern[i]) != std::string::npos;
      if (isSpecial) glob += '\\';
      *hasSpecifier = *hasSpecifier || isSpecial;
      glob += pattern[i];
      continue;
    }
    ++i;
    if (next == '%') {
      glob += '%';
    } else if (next != '\0') {
      *hasSpecifier = true;
      *hasPid = *hasPid || next == 'p';
      glob += '*';
    }
  }
  return glob;
}

}  // namespace

CorePattern parseCorePattern(const std::string& text, CorePid added) {
  CorePattern result;
  std::string line = text.substr(0, text.find('\n'));
  if (line.empty()) return result;
  if (line[0] == '|') {
    if (line.find("systemd-coredump") != std::string::npos) {
      result.kind = CorePattern::Kind::kSystemd;
    }
    return result;
  }
  size_t slash = line.rfind('/');
  std::string parent = slash == std::string::npos ? "" : line.substr(0, slash);
  if (parent.find('%') != std::string::npos) return result;
  result.kind = CorePattern::Kind::kFiles;
  result.directory = slash == 0 ? "/" : parent;
  bool hasSpecifier = false;
  bool hasPid = false;
  result.name =
      globOf(line.substr(slash == std::string::npos ? 0 : slash + 1), &hasSpecifier, &hasPid);
  if (added == CorePid::kAdded && !hasPid) {
    result.name += ".*";
    hasSpecifier = true;
  }
  result.isPlainName = !hasSpecifier;
  return result;
}

CorePattern corePattern() {
  auto pattern = readFile("/proc/sys/kernel/core_pattern", kSettingBytesMax);
  auto addsPid = readFile("/proc/sys/kernel/core_uses_pid", kSettingBytesMax);
  return parseCorePattern(pattern.cStr(),
                          addsPid.startsWith("1") ? CorePid::kAdded : CorePid::kNotAdded);
}

}  // namespace nodeagent::diagnosis
