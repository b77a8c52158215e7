#include "harness/rpc/file/copy_local.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <muster/node_error.h>

#include "harness/values/failure_text.h"

namespace harness {

void failLocal(const std::string& path) {
  int number = errno;
  throw muster::NodeError(muster::NodeError::Kind::kSystem, "", "copy",
                          "local " + inQuotes(path) + ": " + strerrordesc_np(number), number);
}

Fd opened(int number, const std::string& path) {
  if (number < 0) failLocal(path);
  return Fd(number);
}

mode_t specialTypeOf(muster::FileType type) {
  switch (type) {
    case muster::FileType::kFifo:
      return S_IFIFO;
    case muster::FileType::kSocket:
      return S_IFSOCK;
    case muster::FileType::kCharacter:
      return S_IFCHR;
    case muster::FileType::kBlock:
      return S_IFBLK;
    default:
      return 0;
  }
}

}  // namespace harness
