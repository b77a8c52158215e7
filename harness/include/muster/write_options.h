// Says how a file of a node is written: its mode and owner, what happens to an existing target, and
// whether the change outlives the session.
//
//   node.file("/etc/kvd.conf").write("peers=3\n", {.mode = 0600, .undo = UndoAt::kTestEnd});
//
// The defaults replace the target, keep its mode and owner, and leave the change on the node. The
// options do not make a write of several files atomic: each file is replaced for itself. A file
// that cannot be replaced is written in place:
//
//   node.file("/proc/sys/net/ipv4/ip_forward").write("1\n", {.way = WriteWay::kInPlace});
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

namespace muster {

// Says what becomes of a target that is there already.
enum class IfExists {
  // The target is replaced in one step, as rename(2) does.
  kReplace,

  // The target stays, and the call throws NodeError kConflict.
  kRefuse
};

// Says when the node takes a change back.
enum class UndoAt {
  // The change stays, also when this program ends.
  kNever,
  // What was there before comes back when the test ends; after a change in SetUpTestSuite, when the
  // suite ends. Outside of suites, and for files with an agent older than protocol 1.4, it comes
  // back when the session ends.
  kTestEnd,

  // What was there before comes back when the session ends. The session ends with this program,
  // however the program ends, or when its lease runs out on an unreachable node.
  kSessionEnd,
};

// Says how the content gets to the target.
enum class WriteWay {
  // A new file takes the target's name, in one step.
  kReplace,

  // The content goes into the file that is there, as the shell's ">" writes it. It is for files
  // that nothing can replace, such as bind mounts and the files of /proc/sys and /sys. The file
  // keeps its inode, owner, mode, ACL and attributes; a link is followed. Up to 256 KiB go with one
  // write(2). Others may see the file empty or in part, and it stays so after a failure. When the
  // connection is lost, the content may be written twice. NodeError kNotFound if there is no file,
  // and kInvalid together with any other option but `sync`, or for a tree.
  kInPlace,
};

struct WriteOptions {
  // Holds permission bits, such as 0600. Absent means those of the replaced file, or 0644 for a new
  // one.
  std::optional<uint32_t> mode = {};

  // Each is a name or a decimal id. Empty means that of the replaced file, or the agent's own,
  // usually root, for a new one. A name that the node does not know is NodeError kNotFound.
  std::string user = {};
  std::string group = {};

  IfExists existing = IfExists::kReplace;

  // The content is on the disk before the call returns. Without it, a power cut may take the
  // content away again: see Cluster::powerOff.
  bool sync = false;

  // Missing parent directories are made with mode 0755. Without it, they are NodeError kNotFound.
  bool parents = false;

  UndoAt undo = UndoAt::kNever;

  WriteWay way = WriteWay::kReplace;
};

// Print the words and the options for gtest.
void PrintTo(IfExists existing, std::ostream* out);
void PrintTo(UndoAt undo, std::ostream* out);
void PrintTo(const WriteOptions& options, std::ostream* out);

}  // namespace muster
