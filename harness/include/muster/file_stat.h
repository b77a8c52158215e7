// Describes files, directories and file systems of a node: plain values. The calls are in file.h.
//
//   std::optional<FileStat> stat = node.file("/etc/kvd.conf").stat();
//   if (stat) EXPECT_EQ(stat->mode, 0600u);
//
// A value holds for the moment of the answer, and does not follow the file. It outlives its node
// and its cluster.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace muster {

enum class FileType {
  // The node has a type that this program does not know.
  kUnspecified,
  kRegular,
  kDirectory,
  kSymlink,
  kFifo,
  kSocket,
  kCharacter,
  kBlock
};

// Says whether a call on a symbolic link concerns the link itself, which is kKeep, or the file that
// it points to, which is kFollow.
enum class SymlinkPolicy { kKeep, kFollow };

// Holds what stat(2) says of a path.
struct FileStat {
  FileType type = FileType::kUnspecified;

  // Holds the permission bits with setuid, setgid and sticky, such as 0644, without the type.
  uint32_t mode = 0;

  // Is the length of the content in bytes. Files in /proc have 0 and content all the same.
  uint64_t size = 0;

  // Counts the bytes that the file takes on the disk, fewer than `size` where it has holes.
  uint64_t allocatedBytes = 0;

  // Are the owner's numbers on the node. 0 is root.
  uint32_t uid = 0;
  uint32_t gid = 0;

  // Are the names of `uid` and `gid` in the node's user database. Empty means that it has none.
  std::string user = {};
  std::string group = {};

  // Counts the hard links. It is 1 for most files, and at least 2 for most directories.
  uint64_t links = 0;

  // Is the time when the content was changed, by the node's clock: see NodeState::clock for its
  // offset.
  std::chrono::system_clock::time_point modified = {};

  // Is the number of the file in its file system. A write that replaces the file changes it.
  uint64_t inode = 0;
};

// Describes a member of a directory.
struct FileEntry {
  // Is the name without the directory.
  std::string name = {};

  // Is what stat with SymlinkPolicy::kKeep says of it.
  FileStat stat = {};
};

// Tells the capacity of a file system. `available` counts what is free for users other than root.
struct FileSpace {
  // Both are in bytes.
  uint64_t totalBytes = 0;
  uint64_t availableBytes = 0;

  // Both are 0 on file systems that make inodes as they need them.
  uint64_t totalInodes = 0;
  uint64_t availableInodes = 0;
};

// Print all fields in one line for gtest, such as "regular file, mode 0644, 12 bytes (4096 on
// disk), owner 0 "root", …".
void PrintTo(FileType type, std::ostream* out);
void PrintTo(SymlinkPolicy policy, std::ostream* out);
void PrintTo(const FileStat& stat, std::ostream* out);
void PrintTo(const FileEntry& entry, std::ostream* out);
void PrintTo(const FileSpace& space, std::ostream* out);

}  // namespace muster
