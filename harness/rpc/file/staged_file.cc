#include "harness/rpc/file/staged_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <muster/node_error.h>

#include "harness/rpc/file/copy_local.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/id.h"

namespace harness {

std::string temporaryName() {
  return ".muster-" + support::Id::random().text().substr(0, 16) + ".part";
}

StagedFile openStaged(int directory, mode_t mode, const std::string& path) {
  int file = ::openat(directory, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, mode);
  if (file >= 0) return {Fd(file), ""};
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT) failLocal(path);
  std::string chosen = temporaryName();
  file = ::openat(directory, chosen.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  return {opened(file, path), chosen};
}

void giveTemporaryName(StagedFile& staged, int directory, const std::string& path) {
  if (!staged.name.empty()) return;
  std::string name = temporaryName();
  std::string via = "/proc/self/fd/" + std::to_string(staged.file.get());
  if (::linkat(AT_FDCWD, via.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    failLocal(path);
  }
  staged.name = name;
}

void requireReplaceable(int directory, const std::string& name, const std::string& path) {
  struct stat status {};
  if (::fstatat(directory, name.c_str(), &status, 0) != 0) return;
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) return;
  throw muster::NodeError(
      muster::NodeError::Kind::kConflict, "", "copy",
      "local " + inQuotes(path) + ": is a device, a FIFO or a socket, which no file replaces");
}

void publishStaged(int directory, const std::string& temporary, const std::string& name,
                   muster::IfExists existing, const std::string& path) {
  unsigned flags = existing == muster::IfExists::kRefuse ? RENAME_NOREPLACE : 0;
  if (::renameat2(directory, temporary.c_str(), directory, name.c_str(), flags) == 0) return;
  int number = errno;
  ::unlinkat(directory, temporary.c_str(), 0);
  errno = number;
  if (number == EEXIST) {
    throw muster::NodeError(muster::NodeError::Kind::kConflict, "", "copy",
                            "local " + inQuotes(path) + ": exists");
  }
  failLocal(path);
}

}  // namespace harness
