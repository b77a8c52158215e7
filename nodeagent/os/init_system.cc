#include "nodeagent/os/init_system.h"

#include <string.h>
#include <sys/stat.h>

#include "nodeagent/os/read_file.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kNameBytesMax = 255;

bool mayBeInName(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') ||
         (character != '\0' && strchr("._+:@\\-", character) != nullptr);
}

bool isDirectory(kj::StringPtr path) {
  struct stat status;
  return ::stat(path.cStr(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

InitSystem initSystem(const InitPaths& paths) {
  // Both are asked for, because a container may share the directory of a host's systemd.
  if (isDirectory(paths.systemdRuntime) && readFile(paths.initCommand) == "systemd\n") {
    return InitSystem::kSystemd;
  }
  if (!isDirectory(paths.scripts)) return InitSystem::kUnknown;
  return isDirectory(paths.openrcRuntime) ? InitSystem::kOpenrc : InitSystem::kSysv;
}

void requireServiceName(kj::StringPtr name) {
  bool good = name.size() > 0 && name.size() <= kNameBytesMax && name[0] != '-' && name[0] != '.';
  for (char character : name) good = good && mayBeInName(character);
  if (good) return;
  // The name is not quoted back, because it may hold anything.
  support::fail(
      Kind::INVALID, "service name of ", name.size(),
      " bytes: must have 1 to 255 letters, digits or ._+:@\\-, and not begin with - or .");
}

kj::String scriptOf(kj::StringPtr directory, kj::StringPtr name) {
  auto script = kj::str(directory, "/", name);
  struct stat status;
  if (::stat(script.cStr(), &status) < 0 || !S_ISREG(status.st_mode)) {
    support::fail(Kind::NOT_FOUND, "service ", name, ": no script of that name in ", directory);
  }
  if ((status.st_mode & 0111) == 0) {
    support::fail(Kind::SYSTEM, "service ", name, ": ", script, " is not executable");
  }
  return script;
}

}  // namespace nodeagent
