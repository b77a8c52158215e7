#include "harness/cluster/package_names.h"

#include <algorithm>
#include <cctype>

#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr size_t kNameBytesMax = 255;

// Those of Debian and of RPM. An option of a command begins otherwise.
bool isPackageCharacter(unsigned char c) {
  return c < 0x80 && (std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.' || c == '_');
}

}  // namespace

std::string packageNameProblem(const std::string& name) {
  bool isRight = !name.empty() && name.size() <= kNameBytesMax &&
                 std::isalnum(static_cast<unsigned char>(name.front())) != 0 &&
                 std::all_of(name.begin(), name.end(), isPackageCharacter);
  return isRight ? "" : "\"" + support::escaped(name) + "\" is not the name of a package";
}

std::vector<std::string> packagesOf(const Setting& packages) {
  std::vector<std::string> names;
  for (const Setting& name : packages.items()) {
    std::string problem = packageNameProblem(name.text());
    if (!problem.empty()) name.fail("packages: " + problem);
    names.push_back(name.text());
  }
  if (names.size() > kPackagesMax) {
    packages.fail("packages: " + std::to_string(names.size()) + " of them, at most " +
                  std::to_string(kPackagesMax) + " are possible");
  }
  return names;
}

}  // namespace harness
