#include "harness/os/current_user.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "harness/os/process_mark.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr size_t kUserBytesMax = 200;

std::string userName() {
  std::vector<char> buffer(16 << 10);
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? "uid " + std::to_string(::geteuid()) : found->pw_name;
}

}  // namespace

std::string currentUser() {
  const char* given = std::getenv(kUserVariable);
  std::string user = given == nullptr ? "" : given;
  if (user.empty()) user = userName() + "@" + ProcessMark::own().host;
  return std::string(support::beginningOf(support::printable(user), kUserBytesMax));
}

}  // namespace harness
