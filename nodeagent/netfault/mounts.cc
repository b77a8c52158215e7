#include "nodeagent/netfault/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <string>

#include "nodeagent/os/read_file.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kTableBytesMax = 16 << 20;

// Spaces and other separators are written as "\040".
std::string unescaped(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>(strtol(text.substr(i + 1, 3).c_str(), nullptr, 8));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace

kj::String realDirectory(kj::StringPtr path) {
  char real[PATH_MAX];
  if (::realpath(path.cStr(), real) == nullptr) support::failErrno(errno, "find ", path);
  struct stat status {};
  if (::stat(real, &status) < 0) support::failErrno(errno, "find ", path);
  if (!S_ISDIR(status.st_mode)) support::fail(Kind::INVALID, path, ": is no directory");
  return kj::str(real);
}

void requireWithoutState(kj::StringPtr directory, const LocalHost& host) {
  char real[PATH_MAX];
  std::string state = host.stateDirectory.cStr();
  if (::realpath(host.stateDirectory.cStr(), real) != nullptr) state = real;
  std::string above = directory == "/" ? "/" : kj::str(directory, "/").cStr();
  if (directory != "/" && (state + "/").rfind(above, 0) != 0) return;
  support::fail(Kind::DENIED, directory, " has the agent's state below it, in ", state.c_str(),
                ", and is left as it is");
}

uint64_t mountIdOf(int file) {
  struct statx status {};
  if (::statx(file, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &status) < 0 ||
      (status.stx_mask & STATX_MNT_ID) == 0) {
    support::fail(Kind::UNSUPPORTED, "the kernel does not tell the number of a mount");
  }
  return status.stx_mnt_id;
}

MountLook mountsAt(kj::StringPtr place, uint64_t id) {
  MountLook look;
  std::string text = readFile("/proc/self/mountinfo", kTableBytesMax).cStr();
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    at = end == std::string::npos ? text.size() : end + 1;
    unsigned long long number = 0;
    int placeAt = 0;
    if (sscanf(line.c_str(), "%llu %*u %*s %*s %n", &number, &placeAt) != 1 || placeAt == 0) {
      continue;
    }
    auto rest = line.substr(static_cast<size_t>(placeAt));
    if (unescaped(rest.substr(0, rest.find(' '))) != place.cStr()) continue;
    look.isTopmost = number == id;
    look.has = look.has || number == id;
  }
  return look;
}

void unmountTopmost(kj::StringPtr place, uint64_t id) {
  if (!mountsAt(place, id).isTopmost) {
    support::fail(Kind::CONFLICT, "somebody has mounted something over ", place, " since");
  }
  if (::umount2(place.cStr(), MNT_DETACH | UMOUNT_NOFOLLOW) < 0) {
    support::failErrno(errno, "unmount ", place);
  }
  if (mountsAt(place, id).has) {
    support::fail(Kind::SYSTEM, place, " was unmounted, and the kernel still shows mount ", id);
  }
}

}  // namespace nodeagent::netfault
