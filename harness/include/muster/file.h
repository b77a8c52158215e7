// Reads and changes files and directories of a node, as its root sees them.
//
//   File file = node.file("/root/settings");
//   file.write("a = 1\n", {.mode = 0600});
//   EXPECT_EQ(file.read(), "a = 1\n");
//   file.append("b = 2\n");
//   EXPECT_TRUE(file.remove());
//   EXPECT_FALSE(file.exists());
//
// It has no open files and no locks: each call stands alone, and goes by the path anew. Large files
// and trees between here and a node are moved by Node::push and Node::pull.
//
// Things to get right:
//   * A write replaces the target in one step or leaves it as it was; other readers see the old
//     file or the new one. append is not atomic to them, nor is a write with WriteWay::kInPlace,
//     which is for bind mounts and the files of /proc/sys and /sys.
//   * A written file may be lost by a power cut unless WriteOptions::sync is set.
//   * Changes stay on the node after the test. UndoAt::kSessionEnd takes them back.
//   * `stat` and `exists` look at a symbolic link itself, so a dangling link exists.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include <muster/acl.h>
#include <muster/file_stat.h>
#include <muster/tree_digest.h>
#include <muster/write_options.h>

namespace harness {
class ControllerNode;
struct ApiAccess;
}  // namespace harness

namespace muster {

// Stands for a path on a node. Node::file makes one and asks nothing, so the file need not exist.
// It is a value that is valid as long as its cluster. Call from the test thread.
//
// The path is absolute, without NUL, 4095 bytes at most. If its last component is a symbolic link,
// it is followed by read, readPart, digest and setMode only. Content is checked by digest on the
// way. Every call ends with DeadlineScope::current(), and waits until then for a node that is
// unreachable. NodeError of these kinds is thrown:
//   kInvalid       The path or an option can never work.
//   kNotFound      The path, its directory, a user or a group does not exist.
//   kDenied        Our identity or the node's permissions forbid it.
//   kConflict      Something else is there.
//   kSystem        The system call failed with errnoValue(), such as ENOSPC or EROFS.
//   kUnreachable   The node was not reached in time, as with every call: see node_error.h.
class File {
 public:
  using Where = std::source_location;

  const std::string& path() const { return path_; }

  // Returns the name of the node.
  const std::string& node() const;

  // Returns the whole content, also of files without a size, such as those in /proc. NodeError
  // kInvalid for more than 256 MiB: pull such a file.
  std::string read(Where where = Where::current()) const;

  // Returns bytes from `offset`, fewer than `bytesMax` only at the end of the file, none beyond it.
  std::string readPart(uint64_t offset, uint64_t bytesMax, Where where = Where::current()) const;

  // Replaces or makes the file. NodeError kConflict as IfExists::kRefuse says.
  void write(const std::string& content, const WriteOptions& options = {},
             Where where = Where::current()) const;

  // Adds to the end of an existing or new file, once, whatever the connection does. NodeError
  // kCorrupt if somebody else adds to the file meanwhile.
  void append(const std::string& content, Where where = Where::current()) const;

  // Absent means that nothing is there, which is no error. A link is described itself unless
  // `links` says otherwise.
  std::optional<FileStat> stat(SymlinkPolicy links = SymlinkPolicy::kKeep,
                               Where where = Where::current()) const;
  bool exists(Where where = Where::current()) const;

  // Returns the entries of a directory in byte order of their names, without "." and "..".
  std::vector<FileEntry> list(Where where = Where::current()) const;

  // Returns the lower-case hexadecimal SHA-256 of a regular file.
  std::string digest(Where where = Where::current()) const;

  // Makes the directory and its missing parents. An existing one is not an error and keeps its
  // mode; false means that it existed. NodeError kConflict if something else is there.
  bool makeDirectory(uint32_t mode = 0755, UndoAt undo = UndoAt::kNever,
                     Where where = Where::current()) const;

  // Removes a file, a link or an empty directory; removeTree goes below directories, does not cross
  // file systems and refuses "/" with NodeError kInvalid. A path that does not exist is not an
  // error; false means that there was nothing.
  bool remove(Where where = Where::current()) const;
  bool removeTree(Where where = Where::current()) const;

  // Moves the path within its file system, in one step. This object keeps the old path.
  void rename(const std::string& target, IfExists existing = IfExists::kReplace,
              Where where = Where::current()) const;

  // Sets the permission bits, such as 0600.
  void setMode(uint32_t mode, Where where = Where::current()) const;

  // Sets the owner by names or decimal ids. An empty one stays as it is.
  void setOwner(const std::string& user, const std::string& group,
                SymlinkPolicy links = SymlinkPolicy::kKeep, Where where = Where::current()) const;

  // Makes this path a symbolic link to `target`, which is taken as it is, or a hard link to it.
  void linkTo(const std::string& target, IfExists existing = IfExists::kRefuse,
              Where where = Where::current()) const;
  void hardLinkTo(const std::string& target, IfExists existing = IfExists::kRefuse,
                  Where where = Where::current()) const;

  // Returns the target of a symbolic link as it is written there.
  std::string readLink(Where where = Where::current()) const;

  // Reads and changes extended attributes by name, such as "user.note", with ACLs among them.
  // Removing one that is absent is not an error.
  std::map<std::string, std::string> attributes(Where where = Where::current()) const;
  void setAttribute(const std::string& name, const std::string& value,
                    Where where = Where::current()) const;
  void removeAttribute(const std::string& name, Where where = Where::current()) const;

  // Returns one attribute; absent if there is none of that name. attributes() does not show those
  // that a file system makes up when it is asked, such as "trusted.glusterfs.pathinfo".
  std::optional<std::string> attribute(const std::string& name,
                                       Where where = Where::current()) const;

  // Return and set an access control list as text, such as "u::rw-,u:alice:r--,g::r--,o::---": see
  // acl.h. A file without a list has that of its mode, and no default one, which is the empty text.
  // A list is set as a whole: it has the entries "u::", "g::" and "o::"; a mask that it needs and
  // does not have is the sum of what names and group may. The empty text removes a default list.
  //
  // A symbolic link has none: NodeError kUnsupported, as where the file system has no lists.
  // NodeError kInvalid for a wrong text or an unknown name, before the file is touched.
  std::string acl(AclKind kind = AclKind::kAccess, Where where = Where::current()) const;
  void setAcl(const std::string& text, AclKind kind = AclKind::kAccess,
              Where where = Where::current()) const;

  // Returns the lower-case hexadecimal digest of a directory and all below it, which is that of
  // every equal tree: see tree_digest.h. NodeError kTimeout after half an hour.
  std::string treeDigest(const TreeDigestOptions& options = {},
                         Where where = Where::current()) const;

  // Reads the file, and writes what `change` makes of its content if that is another. It keeps mode
  // and owner unless `options` say otherwise.
  //
  //   file.edit(replacing("peers=3", "peers=5"), {.undo = UndoAt::kTestEnd});
  //
  // Returns whether the file was written. NodeError kNotFound if it does not exist, and kConflict
  // if somebody else changes it meanwhile, as far as that shows right before the write. What
  // `change` throws passes through.
  bool edit(const std::function<std::string(const std::string&)>& change,
            const WriteOptions& options = {}, Where where = Where::current()) const;

  // Sets the times of modification and access to `modified`. NodeError kUnsupported if the file
  // system cannot hold that time.
  void setModified(std::chrono::system_clock::time_point modified,
                   Where where = Where::current()) const;

  // Returns the capacity of the file system that holds the path.
  FileSpace space(Where where = Where::current()) const;

 private:
  friend struct harness::ApiAccess;
  File(harness::ControllerNode& node, std::string path);

  // Owned by the connections of the cluster.
  harness::ControllerNode* node_;
  std::string path_;
};

// Prints node and path for gtest.
void PrintTo(const File& file, std::ostream* out);

}  // namespace muster
