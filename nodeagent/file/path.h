// What the files room understands by a path, and how a message shows one.
//
// Paths are bytes: any but NUL, in any encoding. Nothing here normalises them; what ".." means is
// the kernel's to say.
#pragma once

#include <stdint.h>

#include <kj/io.h>
#include <kj/string.h>
#include <kj/vector.h>

namespace nodeagent::file {

constexpr size_t kPathBytesMax = 4095;
constexpr size_t kNameBytesMax = 255;

// A checked copy of a path that a peer sent: absolute, 1 to 4095 bytes, no NUL. Fails with kind
// invalid.
kj::String absolutePath(kj::ArrayPtr<const kj::byte> bytes);

// The same for a path relative to a tree's root: no empty, "." or ".." component, so that it cannot
// lead out.
kj::String relativePath(kj::ArrayPtr<const kj::byte> bytes);

// The path as a message shows it: in quotes, with control characters, quotes and what is not UTF-8
// as \xNN, cut at 300 bytes.
kj::String quoted(kj::StringPtr path);

// Joins with one slash; `directory` may be empty, "/" or end in a slash.
kj::String join(kj::StringPtr directory, kj::StringPtr name);

// Where a change happens: an open directory and a name in it. Whoever renames directories above
// meanwhile changes nothing for the holder.
struct Place {
  kj::AutoCloseFd directory;  // O_PATH
  kj::String name;
  kj::String path;  // As asked for, without trailing slashes; for messages.
};

// Opens the parent of `path`. Symbolic links on the way are followed, magic links (/proc/PID/root)
// are not. Trailing slashes are ignored. Fails with kind invalid if the path ends in ".", ".." or
// is "/" itself, notFound if the parent is not there.
Place placeOf(kj::StringPtr path);

// Directories that were made on the way to a change. Destroying it removes those that are still
// empty, the innermost first, for a change that failed; `keep` hands them over after one that
// worked.
class MadeDirectories {
 public:
  MadeDirectories() = default;
  MadeDirectories(MadeDirectories&&) = default;
  MadeDirectories& operator=(MadeDirectories&&) = default;  // Keeps what it held before.
  KJ_DISALLOW_COPY(MadeDirectories);
  ~MadeDirectories();

  void add(kj::String path) { paths_.add(kj::mv(path)); }
  kj::ArrayPtr<const kj::String> paths() const { return paths_; }
  void keep() { paths_.clear(); }

 private:
  kj::Vector<kj::String> paths_;
};

// Makes missing parents of `path`, mode 0755.
MadeDirectories makeParents(kj::StringPtr path);

// Those that it would make now, the outermost first.
kj::Vector<kj::String> missingParents(kj::StringPtr path);

// Opens a directory below `directory` for reading its entries. Neither follows a link in the last
// component nor enters another file system. The number is errno, negative, if that does not work:
// -EXDEV on a mount point.
int openBelow(int directory, kj::StringPtr name);

// An open(2) that goes through openat2(2) with `resolve`, or without it where the kernel is too
// old. -errno on failure.
int openAt(int directory, kj::StringPtr path, int flags, uint64_t resolve);

// "/proc/self/fd/N/NAME": reaches a name in an open directory through calls that take only paths.
kj::String viaDescriptor(int directory, kj::StringPtr name);

}  // namespace nodeagent::file
