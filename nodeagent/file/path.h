// Checks, shows and opens paths for the file service.
//
// Paths are bytes: any but NUL, in any encoding. Nothing here normalises them; the kernel decides
// the meaning of "..".
#pragma once

#include <stdint.h>

#include <kj/io.h>
#include <kj/string.h>
#include <kj/vector.h>

namespace nodeagent::file {

// Says whether missing parent directories are an error, or are made with mode 0755.
enum class Parents { kMustExist, kMade };

constexpr size_t kPathBytesMax = 4095;
constexpr size_t kNameBytesMax = 255;

// Returns a checked copy of a path that a peer sent: absolute, 1 to 4095 bytes, no NUL. Fails with
// kind invalid.
kj::String absolutePath(kj::ArrayPtr<const kj::byte> bytes);

// Returns a checked copy of a path relative to a tree's root. It has no empty, "." or ".."
// component, so that it cannot lead out. Fails with kind invalid.
kj::String relativePath(kj::ArrayPtr<const kj::byte> bytes);

// Returns the path as messages show it: in quotes, with control characters, quotes and bytes that
// are not UTF-8 as \xNN, cut at 300 bytes.
kj::String quoted(kj::StringPtr path);

// Joins both with one slash; `directory` may be empty, "/" or end in a slash.
kj::String join(kj::StringPtr directory, kj::StringPtr name);

// A place for a change: an open directory and a name in it. A rename of the directories above does
// not move it.
struct Place {
  kj::AutoCloseFd directory;  // O_PATH
  kj::String name;
  // The path as asked for, without trailing slashes; for messages.
  kj::String path;
};

// Opens the parent of `path`. Symbolic links on the way are followed, magic links (/proc/PID/root)
// are not. Trailing slashes are ignored. Fails with kind invalid if the path ends in ".", ".." or
// is "/" itself, notFound if the parent is not there.
Place placeOf(kj::StringPtr path);

// Holds directories that were made on the way to a change. Its destruction removes those that are
// still empty, the innermost first, because the change failed; call `keep` after one that worked.
class MadeDirectories {
 public:
  MadeDirectories() = default;
  MadeDirectories(MadeDirectories&&) = default;
  // Drops the list that it held without removing anything.
  MadeDirectories& operator=(MadeDirectories&&) = default;
  KJ_DISALLOW_COPY(MadeDirectories);
  ~MadeDirectories();

  void add(kj::String path) { paths_.add(kj::mv(path)); }
  kj::ArrayPtr<const kj::String> paths() const { return paths_; }
  void keep() { paths_.clear(); }

 private:
  kj::Vector<kj::String> paths_;
};

// Makes the missing parents of `path`, mode 0755.
MadeDirectories makeParents(kj::StringPtr path);

// Returns the parents that makeParents would make now, the outermost first.
kj::Vector<kj::String> missingParents(kj::StringPtr path);

// Opens a directory below `directory` for reading its entries. It neither follows a link in the
// last component nor enters another file system. Returns minus the errno on failure: -EXDEV on a
// mount point.
int openBelow(int directory, kj::StringPtr name);

// Calls open(2) by way of openat2(2) with `resolve`, or without it where the kernel is too old.
// Returns minus the errno on failure.
int openAt(int directory, kj::StringPtr path, int flags, uint64_t resolve);

// Returns "/proc/self/fd/N/NAME", which reaches a name in an open directory through calls that take
// only paths.
kj::String viaDescriptor(int directory, kj::StringPtr name);

}  // namespace nodeagent::file
