#include "harness/cluster/run_id.h"

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "schema/support/base/id.h"

namespace harness {
namespace {

constexpr size_t kCharactersMax = 64;
constexpr uint64_t kRandomMask = 0xffffff;

}  // namespace

std::string newRunId() {
  std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[64];
  size_t length = std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ-", &utc);
  std::snprintf(text + length, sizeof text - length, "%06x",
                static_cast<unsigned>(support::randomNumber() & kRandomMask));
  return text;
}

std::string runIdProblem(const std::string& id) {
  if (id.empty()) return "is empty";
  if (id.size() > kCharactersMax) return "has over 64 characters";
  if (std::isalnum(static_cast<unsigned char>(id[0])) == 0) {
    return "does not begin with a letter or digit";
  }
  for (char c : id) {
    bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                 std::string("._:+-").find(c) != std::string::npos;
    if (!plain) return "has characters other than letters, digits and \"._:+-\"";
  }
  return "";
}

std::string inheritedRunId() {
  const char* value = std::getenv(kRunIdVariable);
  return value == nullptr ? "" : value;
}

}  // namespace harness
