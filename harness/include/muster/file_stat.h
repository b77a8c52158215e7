// Files, directories and file systems of a node as it describes them: plain values. See file.h for
// the calls.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace muster {

enum class FileType {
  kUnspecified,
  kRegular,
  kDirectory,
  kSymlink,
  kFifo,
  kSocket,
  kCharacter,
  kBlock
};

// Whether a call on a symbolic link is about the link itself, or about the file that it points to.
enum class SymlinkPolicy { kKeep, kFollow };

struct FileStat {
  FileType type = FileType::kUnspecified;

  // Permission bits with setuid, setgid and sticky.
  uint32_t mode = 0;

  // In bytes.
  uint64_t size = 0;
  uint64_t allocatedBytes = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;

  // Empty: the node knows no name.
  std::string user;
  std::string group;

  // The number of hard links.
  uint64_t links = 0;
  std::chrono::system_clock::time_point modified;
  uint64_t inode = 0;
};

// A member of a directory.
struct FileEntry {
  std::string name;
  FileStat stat;
};

// The capacity of a file system.
struct FileSpace {
  uint64_t totalBytes = 0;
  uint64_t availableBytes = 0;
  uint64_t totalInodes = 0;
  uint64_t availableInodes = 0;
};

}  // namespace muster
