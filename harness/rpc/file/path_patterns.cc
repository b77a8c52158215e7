#include "harness/rpc/file/path_patterns.h"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

namespace harness {
namespace {

constexpr char kMagic[] = "*?[";

// Splits a path at its slashes; several in a row are one.
std::vector<std::string> componentsOf(const std::string& path) {
  std::vector<std::string> components;
  for (size_t at = path.find_first_not_of('/'); at != std::string::npos;) {
    size_t end = std::min(path.find('/', at), path.size());
    components.push_back(path.substr(at, end - at));
    at = path.find_first_not_of('/', end);
  }
  return components;
}

}  // namespace

bool isPattern(const std::string& path) {
  return path.find_first_of(kMagic) != std::string::npos;
}

std::vector<std::string> expandPattern(
    const std::string& pattern,
    const std::function<std::vector<std::string>(const std::string& directory)>& namesIn) {
  std::vector<std::string> matching = {""};
  bool isSure = true;
  for (const std::string& component : componentsOf(pattern)) {
    std::vector<std::string> longer;
    for (const std::string& directory : matching) {
      // The last names may not be there, so a plain component behind a pattern is looked up too.
      if (isSure && !isPattern(component)) {
        longer.push_back(directory + "/" + component);
        continue;
      }
      for (const std::string& name : namesIn(directory.empty() ? "/" : directory)) {
        if (::fnmatch(component.c_str(), name.c_str(), FNM_PERIOD) == 0) {
          longer.push_back(directory + "/" + name);
        }
      }
    }
    isSure = isSure && !isPattern(component);
    std::sort(longer.begin(), longer.end());
    matching = std::move(longer);
  }
  return matching;
}

}  // namespace harness
