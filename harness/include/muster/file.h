// Files and directories of a node, as its root sees them.
//
// Writes replace the target in one step or leave it as it was. Content is checked by digest on the
// way.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include <muster/file_stat.h>
#include <muster/write_options.h>

namespace harness {
class ControllerNode;
struct ApiAccess;
}  // namespace harness

namespace muster {

// A path on a node; making one asks nothing. A value; valid as long as its cluster. Every call
// throws NodeError, of kinds kInvalid, kNotFound, kDenied, kConflict, kSystem and those of the
// connection, and ends with DeadlineScope::current(). The last component of the path is followed if
// it is a symbolic link by read, digest and setMode only.
class File {
 public:
  using Where = std::source_location;

  const std::string& path() const { return path_; }

  // The whole content; files without a size, such as those in /proc, too. At most 256 MiB: pull
  // larger ones.
  std::string read(Where where = Where::current()) const;

  // Bytes from `offset`, fewer than `bytesMax` only at the end of the file.
  std::string readPart(uint64_t offset, uint64_t bytesMax, Where where = Where::current()) const;

  void write(const std::string& content, const WriteOptions& options = {},
             Where where = Where::current()) const;

  // Adds to the end of an existing or new file, once, whatever the connection does. Not atomic to
  // other readers.
  void append(const std::string& content, Where where = Where::current()) const;

  // Absent: nothing is there. Of a link itself unless `links` says otherwise.
  std::optional<FileStat> stat(SymlinkPolicy links = SymlinkPolicy::kKeep,
                               Where where = Where::current()) const;
  bool exists(Where where = Where::current()) const;

  // Entries of a directory in byte order of their names, without "." and "..".
  std::vector<FileEntry> list(Where where = Where::current()) const;

  // Lower-case hexadecimal SHA-256 of a regular file.
  std::string digest(Where where = Where::current()) const;

  // Makes the directory and its missing parents. An existing one is not an error; false: it
  // existed.
  bool makeDirectory(uint32_t mode = 0755, UndoAt undo = UndoAt::kNever,
                     Where where = Where::current()) const;

  // A path that does not exist is not an error; false: there was nothing. removeTree goes below
  // directories, does not cross file systems and refuses "/".
  bool remove(Where where = Where::current()) const;
  bool removeTree(Where where = Where::current()) const;

  void rename(const std::string& target, IfExists existing = IfExists::kReplace,
              Where where = Where::current()) const;
  void setMode(uint32_t mode, Where where = Where::current()) const;

  // Names or decimal ids; an empty one stays as it is.
  void setOwner(const std::string& user, const std::string& group,
                SymlinkPolicy links = SymlinkPolicy::kKeep, Where where = Where::current()) const;

  // Makes this path a link to `target`.
  void linkTo(const std::string& target, IfExists existing = IfExists::kRefuse,
              Where where = Where::current()) const;
  void hardLinkTo(const std::string& target, IfExists existing = IfExists::kRefuse,
                  Where where = Where::current()) const;
  std::string readLink(Where where = Where::current()) const;

  // Extended attributes by name, with ACLs among them.
  std::map<std::string, std::string> attributes(Where where = Where::current()) const;
  void setAttribute(const std::string& name, const std::string& value,
                    Where where = Where::current()) const;
  void removeAttribute(const std::string& name, Where where = Where::current()) const;

  void setModified(std::chrono::system_clock::time_point modified,
                   Where where = Where::current()) const;

  // Of the file system that holds the path.
  FileSpace space(Where where = Where::current()) const;

 private:
  friend struct harness::ApiAccess;
  File(harness::ControllerNode& node, std::string path);

  // Owned by the connections of the cluster.
  harness::ControllerNode* node_;
  std::string path_;
};

}  // namespace muster
