// Reads and changes the file of one path on all nodes of a set at once.
//
//   servers().file("/etc/kvd.conf").write("peers=3\n").checked();
//   EXPECT_THAT(servers().file("/etc/kvd.conf").read(), OnEachNode("peers=3\n"));
//   EXPECT_THAT(servers().file("/run/kvd.pid").exists(), OnEachNode(testing::IsFalse()));
//
// The calls mean what those of the same name in file.h do. What is not here is done in a loop over
// the nodes. Nothing makes the change one step for all nodes: some may have it and others not.
//
// Things to get right:
//   * An error of one node is in its NodeAnswer, and nothing is thrown for it, unless checked() is
//     asked.
//   * All nodes have the same deadline, that of DeadlineScope::current().
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <muster/acl.h>
#include <muster/node.h>
#include <muster/node_answers.h>
#include <muster/transfer_result.h>
#include <muster/write_options.h>

namespace muster {

// Stands for a path on several nodes, which need not have the file. NodeSet::file makes one. It is
// a value that is valid as long as their cluster. Call from the test thread.
class FileSet {
 public:
  using Where = std::source_location;

  const std::string& path() const { return path_; }

  // Return what File::read, digest and exists do of each node.
  [[nodiscard]] NodeAnswers<std::string> read(Where where = Where::current()) const;
  [[nodiscard]] NodeAnswers<std::string> digest(Where where = Where::current()) const;
  [[nodiscard]] NodeAnswers<bool> exists(Where where = Where::current()) const;

  // Write the same content on each node, as File::write and append do. Different contents are
  // written by a loop over the nodes.
  [[nodiscard]] NodeAnswers<std::monostate> write(const std::string& content,
                                                  const WriteOptions& options = {},
                                                  Where where = Where::current()) const;
  [[nodiscard]] NodeAnswers<std::monostate> append(const std::string& content,
                                                   Where where = Where::current()) const;

  // Return what File::treeDigest and attribute do of each node. Digests of two nodes are equal if
  // their trees are, so one expectation compares all of them:
  //
  //   EXPECT_THAT(digests, OnEachNode(digests["server1"]));
  [[nodiscard]] NodeAnswers<std::string> treeDigest(const TreeDigestOptions& options = {},
                                                    Where where = Where::current()) const;
  [[nodiscard]] NodeAnswers<std::optional<std::string>> attribute(
      const std::string& name, Where where = Where::current()) const;

  // Edits each node's own file, as File::edit does. `change` may be called by several threads at
  // once, with the content of one node each. The value says whether the file was written; a failure
  // of `change` that is a NodeError, such as one of replacing(), is the answer of its node.
  [[nodiscard]] NodeAnswers<bool> edit(const std::function<std::string(const std::string&)>& change,
                                       const WriteOptions& options = {},
                                       Where where = Where::current()) const;

  // Set the permission bits, and the owner by names or decimal ids, as File::setMode and setOwner
  // do. A symbolic link is given another owner itself. An empty user or group stays as it is.
  [[nodiscard]] NodeAnswers<std::monostate> setMode(uint32_t mode,
                                                    Where where = Where::current()) const;
  [[nodiscard]] NodeAnswers<std::monostate> setOwner(const std::string& user,
                                                     const std::string& group,
                                                     Where where = Where::current()) const;

  // Return and set access control lists, as File::acl and setAcl do. Names may have other numbers
  // on other nodes.
  [[nodiscard]] NodeAnswers<std::string> acl(AclKind kind = AclKind::kAccess,
                                             Where where = Where::current()) const;
  [[nodiscard]] NodeAnswers<std::monostate> setAcl(const std::string& text,
                                                   AclKind kind = AclKind::kAccess,
                                                   Where where = Where::current()) const;

  // Make the directory, and remove the file or the tree. The value is false where it existed, or
  // where there was nothing to remove.
  [[nodiscard]] NodeAnswers<bool> makeDirectory(uint32_t mode = 0755, UndoAt undo = UndoAt::kNever,
                                                Where where = Where::current()) const;
  [[nodiscard]] NodeAnswers<bool> remove(Where where = Where::current()) const;
  [[nodiscard]] NodeAnswers<bool> removeTree(Where where = Where::current()) const;

  // Collects the file or directory of all nodes in one tar file of this machine:
  //
  //   servers().file("/var/log/kvd").archiveTo("logs.tar.gz").checked();
  //
  // Its members are server1/kvd/…, server2/kvd/… and so on, with modes, owners, times, extended
  // attributes, links and holes, as GNU tar reads them (pax); the name "/" is left out. It is
  // compressed if its name ends with ".gz" or ".tgz". Members without setuid, setgid and
  // capabilities, and without devices, as of Node::pull.
  //
  // A member is whole or not there. A node that fails has a member NODE.error with the reason, and
  // perhaps a part of its files. The archive takes its name when all is in it, in place of what has
  // it; if no node gave anything, it does not. NodeError kSystem is thrown if it cannot be written.
  [[nodiscard]] NodeAnswers<TransferResult> archiveTo(const std::filesystem::path& local,
                                                      Where where = Where::current()) const;

 private:
  friend class NodeSet;
  friend void PrintTo(const FileSet& files, std::ostream* out);
  FileSet(std::vector<Node*> nodes, size_t fanOut, std::string path)
      : nodes_(std::move(nodes)), fanOut_(fanOut), path_(std::move(path)) {}

  // Owned by the cluster.
  std::vector<Node*> nodes_;

  // As of the set that made it.
  size_t fanOut_;
  std::string path_;
};

// Prints nodes and path for gtest.
void PrintTo(const FileSet& files, std::ostream* out);

}  // namespace muster
