#include "harness/selection/names.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>

#include "schema/support/base/test_names.h"

namespace harness::selection {
namespace {

void addNew(const std::string& name, std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

// "./tests_d//kvd/" is "tests_d/kvd".
std::string normalPath(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal();
  if (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

}  // namespace

std::vector<std::string> suiteNames(const ListedTest& test) {
  std::vector<std::string> names = {test.suite};
  addNew(support::suiteSourceName(test.suite), names);
  return names;
}

std::vector<std::string> testNames(const ListedTest& test) {
  std::vector<std::string> names = {test.name};
  addNew(support::testSourceName(test.name), names);
  return names;
}

std::vector<std::string> fullNames(const ListedTest& test) {
  std::vector<std::string> names = {test.fullName()};
  addNew(support::suiteSourceName(test.suite) + "." + support::testSourceName(test.name), names);
  return names;
}

bool isAt(const ListedTest& test, const std::string& path) {
  std::string wanted = normalPath(path);
  if (wanted.empty() || wanted == "." || wanted.starts_with("..")) return false;
  std::string within = test.file + "/";
  if (wanted[0] == '/') return wanted == "/" || within.starts_with(wanted + "/");
  bool isFile = wanted.find('/') == std::string::npos && !path.ends_with("/");
  if (isFile) return within.ends_with("/" + wanted + "/");
  return ("/" + within).find("/" + wanted + "/") != std::string::npos;
}

// What else is special to fnmatch is meant as it stands.
bool fits(const std::string& text, const std::string& pattern) {
  std::string escaped;
  for (char c : pattern) {
    if (c == '[' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return ::fnmatch(escaped.c_str(), text.c_str(), 0) == 0;
}

}  // namespace harness::selection
