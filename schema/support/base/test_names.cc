#include "schema/support/base/test_names.h"

#include <string_view>

namespace support {
namespace {

constexpr std::string_view kDisabled = "DISABLED_";

std::string enabledName(const std::string& name) {
  return name.starts_with(kDisabled) ? name.substr(kDisabled.size()) : name;
}

}  // namespace

std::string suiteBaseName(const std::string& suite) {
  std::string name = suite;
  size_t slash = name.rfind('/');
  if (slash != std::string::npos &&
      name.find_first_not_of("0123456789", slash + 1) == std::string::npos) {
    name.resize(slash);
  }
  slash = name.rfind('/');
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

std::string suiteSourceName(const std::string& suite) {
  return enabledName(suiteBaseName(suite));
}

std::string testSourceName(const std::string& test) {
  return enabledName(test.substr(0, test.find('/')));
}

bool isDisabledTest(const std::string& suite, const std::string& test) {
  return test.starts_with(kDisabled) || suite.starts_with(kDisabled) ||
         suite.find("/DISABLED_") != std::string::npos;
}

}  // namespace support
