// How a file of a node is written: its mode and owner, the target that is there already, and
// whether the change outlives the session.
//
//   node.file("/etc/kvd.conf").write("peers=3\n", {.mode = 0600, .undo = UndoAt::kSessionEnd});
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace muster {

// An existing target is replaced, or is NodeError kConflict.
enum class IfExists { kReplace, kRefuse };

// When the node takes a change back.
enum class UndoAt {
  kNever,
  kSessionEnd,  // What was there before comes back.
};

struct WriteOptions {
  // Absent: as the replaced file, or 0644.
  std::optional<uint32_t> mode;

  // Name or decimal id. Empty: as the replaced file, or root.
  std::string user;
  std::string group;
  IfExists existing = IfExists::kReplace;

  // The content is on the disk before the call returns.
  bool sync = false;

  // Missing parent directories are made, mode 0755.
  bool parents = false;
  UndoAt undo = UndoAt::kNever;
};

}  // namespace muster
