#include "nodeagent/os/init_system.h"

#include <sys/stat.h>

#include "nodeagent/os/read_file.h"

namespace nodeagent {
namespace {

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

}  // namespace nodeagent
