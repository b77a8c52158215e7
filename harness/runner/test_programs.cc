#include "harness/runner/test_programs.h"

#include <unistd.h>

#include <cstring>
#include <string_view>

#include "harness/os/files.h"

namespace harness {
namespace {

constexpr std::string_view kSuffix = "_tests";

}  // namespace

std::vector<TestProgram> findTestPrograms(const std::string& directory) {
  std::vector<TestProgram> programs;
  for (const std::string& name : namesIn(directory)) {
    std::string path = directory + "/" + name;
    if (name.size() <= kSuffix.size() || !name.ends_with(kSuffix) ||
        ::access(path.c_str(), X_OK) != 0)
      continue;
    programs.push_back({name.substr(0, name.size() - kSuffix.size()), path});
  }
  return programs;
}

// gtest takes a flag with any value for set, but for those that begin as "false" or "0" do.
bool asksForList(const std::vector<std::string>& arguments) {
  constexpr std::string_view kFlag = "--gtest_list_tests";
  for (const std::string& argument : arguments) {
    if (!argument.starts_with(kFlag)) continue;
    std::string value = argument.substr(kFlag.size());
    if (value.empty()) return true;
    if (value[0] == '=') return value.size() < 2 || std::strchr("0fF", value[1]) == nullptr;
  }
  return false;
}

}  // namespace harness
